import { type Answer, type Call, jsonAnswer, oops } from './http-answer.ts';
import { parseTree, pruneByTree } from './tree-parameter.ts';

/** An object of the API: as it is shown without parameters, and with all that a `tree` may name. */
export type ApiView = { readonly plain: unknown; readonly full: unknown };

/** Answers `…/api/json` with its parameters `tree` and `depth`. */
export function apiJson(call: Call, view: ApiView): Answer {
  const tree = call.query.get('tree');
  if (tree === null) return jsonAnswer(Number(call.query.get('depth') ?? 0) > 0 ? view.full : view.plain);
  if (tree === '*') return jsonAnswer(view.plain);
  try {
    return jsonAnswer(pruneByTree(view.full, parseTree(tree)));
  } catch {
    return oops(); // as Jenkins does for a missing bracket
  }
}
