/** What the stand-in answers to a request. */
export type Answer = {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
};

/** A request below the prefix, its path taken apart. */
export type Call = {
  readonly method: string;
  /** Path and query as they came. */
  readonly target: string;
  /** What the route's `:names` stand for. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly body: string;
};

export type Route = {
  readonly method: 'GET' | 'POST';
  /** `computer/:name/doDelete`; without a slash at its ends. */
  readonly path: string;
  readonly handle: (call: Call) => Answer | Promise<Answer>;
  /** What another method gets. Default: 405. */
  readonly otherMethod?: Answer;
};

const VERSION = { 'X-Jenkins': '2.263.4' };

export function redirect(location: string): Answer {
  return { status: 302, headers: { Location: location } };
}

export function created(location: string): Answer {
  return { status: 201, headers: { Location: location } };
}

export function plainText(text: string): Answer {
  return { status: 200, headers: { 'Content-Type': 'text/plain;charset=utf-8' }, body: text };
}

/** JSON as Jenkins writes it: control characters by number only. */
export function jsonAnswer(value: unknown): Answer {
  const short: Readonly<Record<string, string>> = { n: '000a', t: '0009', r: '000d', b: '0008', f: '000c' };
  const body = JSON.stringify(value).replaceAll(/\\(.)/g, (whole, letter: string) => {
    const code = short[letter];
    return code === undefined ? whole : `\\u${code}`;
  });
  return { status: 200, headers: { ...VERSION, 'Content-Type': 'application/json;charset=utf-8' }, body };
}

/** The error page of the servlet container. */
export function jettyError(status: number, message: string, path: string): Answer {
  const title = `${status} ${message}`;
  const body = `<html>
<head>
<meta http-equiv="Content-Type" content="text/html;charset=utf-8"/>
<title>Error ${title}</title>
</head>
<body><h2>HTTP ERROR ${title}</h2>
<table>
<tr><th>URI:</th><td>${escapeHtml(path)}</td></tr>
<tr><th>STATUS:</th><td>${status}</td></tr>
<tr><th>MESSAGE:</th><td>${message}</td></tr>
<tr><th>SERVLET:</th><td>Stapler</td></tr>
</table>
<hr><a href="https://eclipse.org/jetty">Powered by Jetty:// 9.4.33.v20201020</a><hr/>
</body>
</html>
`;
  return { status, headers: { 'Content-Type': 'text/html;charset=iso-8859-1' }, body };
}

export function notFound(call: Pick<Call, 'target'>): Answer {
  return jettyError(404, 'Not Found', call.target.split('?', 1)[0] ?? '');
}

export type RenderedPage = {
  readonly title?: string;
  readonly text: string;
  /** Told by the header too. */
  readonly xError?: string;
};

/** A page in Jenkins' own frame. */
export function renderedPage(status: number, page: RenderedPage): Answer {
  return {
    status,
    headers: {
      ...(page.xError !== undefined && { 'X-Error': page.xError.replaceAll(/[^\x20-\x7e]/g, '?') }),
      ...VERSION,
      'X-Hudson': '1.395',
      'Content-Type': 'text/html;charset=utf-8',
    },
    body: `<!DOCTYPE html><html class=""><head><title>${escapeHtml(page.title ?? 'Jenkins [Jenkins]')}</title></head>
<body id="jenkins" class="yui-skin-sam two-column jenkins-2.263.4"><h1>${escapeHtml(page.text)}</h1>
${'<!-- The real page has some 9 KB. -->\n'.repeat(100)}</body></html>
`,
  };
}

export function refused(xError: string): Answer {
  return renderedPage(400, { text: `Error ${xError}`, xError });
}

export function oops(): Answer {
  return renderedPage(500, { text: 'Oops! A problem occurred while processing the request.' });
}

export function wrongMethod(title = 'Method Not Allowed [Jenkins]'): Answer {
  return renderedPage(405, { title, text: 'This URL requires POST' });
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
