const MAX_TRIES = 400;

/**
 * A smaller input with the same fault: ever smaller pieces are taken out while it stays.
 * @param faultOf what is wrong with an input; undefined: nothing
 */
export async function shrinkInput(
  input: Buffer,
  fault: string,
  faultOf: (smaller: Buffer) => Promise<string | undefined>,
): Promise<Buffer> {
  const tries = fault.startsWith('It took longer') ? MAX_TRIES / 20 : MAX_TRIES; // each of those takes seconds
  let smallest = input;
  let left = tries;
  for (let size = Math.ceil(input.length / 2); size >= 1 && left > 0; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < smallest.length && left > 0; left -= 1) {
      const smaller = Buffer.concat([smallest.subarray(0, at), smallest.subarray(at + size)]);
      if (isSame(await faultOf(smaller), fault)) smallest = smaller;
      else at += size;
    }
  }
  return smallest;
}

/** The same words; numbers in them may be lengths. */
function isSame(found: string | undefined, fault: string): boolean {
  const bare = (text: string): string => text.replaceAll(/[\d"].*?(?=\s|$)/g, '').slice(0, 60);
  return found !== undefined && bare(found) === bare(fault);
}
