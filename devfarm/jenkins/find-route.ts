import { type Answer, type Call, notFound, type Route, wrongMethod } from './http-answer.ts';

/** Carries a request out by the route that fits its path; 404 and 405 where none does. */
export async function dispatch(routes: readonly Route[], call: Omit<Call, 'parameters'>): Promise<Answer> {
  const segments = segmentsOf(call.target);
  const fitting = routes.flatMap((route) => {
    const parameters = segments === undefined ? undefined : parametersOf(route.path, segments);
    return parameters === undefined ? [] : [{ route, parameters }];
  });
  const method = call.method === 'HEAD' ? 'GET' : call.method;
  const found = fitting.find(({ route }) => route.method === method);
  if (found !== undefined) return await found.route.handle({ ...call, parameters: found.parameters });
  const [other] = fitting;
  return other === undefined ? notFound(call) : (other.route.otherMethod ?? wrongMethod());
}

/** Decoded; a `+` stays one. Undefined: the escaping is broken. */
function segmentsOf(target: string): readonly string[] | undefined {
  const path = target.split('?', 1)[0] ?? '';
  try {
    return path
      .replace(/^\/+|\/+$/g, '')
      .split('/')
      .map(decodeURIComponent);
  } catch {
    return undefined; // no path of ours
  }
}

function parametersOf(pattern: string, segments: readonly string[]): Readonly<Record<string, string>> | undefined {
  const parts = pattern.split('/');
  if (parts.length !== segments.length) return undefined;
  const parameters: Record<string, string> = {};
  for (const [index, part] of parts.entries()) {
    const segment = segments[index] ?? '';
    if (part.startsWith(':')) parameters[part.slice(1)] = segment;
    else if (part !== segment) return undefined;
  }
  return parameters;
}
