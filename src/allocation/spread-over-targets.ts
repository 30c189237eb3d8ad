/**
 * Places `count` new nodes of a label so that its targets come out as even as possible; every node is placed.
 *
 * @param current nodes of the label on each target, in the targets' order; grows by what is placed
 * @returns how many go to each target, in the same order
 */
export function spreadOverTargets(count: number, current: number[]): number[] {
  let total = current.reduce((sum, n) => sum + n, 0) + count;
  let left = count;
  return current.map((here, index) => {
    const wanted = Math.round((1 / (current.length - index)) * total);
    const given = Math.max(0, Math.min(wanted - here, left));
    left -= given;
    total -= here + given;
    current[index] = here + given;
    return given;
  });
}
