/** The code in the first column of tables whose header is "Message". */
export function messagesIn(page: string): readonly string[] {
  const tables = [...page.matchAll(/^[|] Message [|].*\n[|][-|]+\n((?:[|].*\n)+)/gm)].map(([, rows = '']) => rows);
  const cells = tables.flatMap((rows) => rows.trim().split('\n')).map((row) => /^[|] (.*?) [|] /.exec(row)?.[1] ?? '');
  return cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, message = '']) => message));
}

/** What stands between names, numbers and causes: these the sources write elsewhere, or not at all. */
export function fragmentsOf(message: string): readonly string[] {
  return message
    .split(/…|: |(?<=waiting for) /)
    .map((fragment) => fragment.trim())
    .filter((fragment) => fragment.length >= 4);
}
