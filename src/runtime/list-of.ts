import * as z from 'zod';

/**
 * A list of a peer's answer: what is wrong with its first bad item is all that is said. `z.array` keeps a complaint for
 * each, which would take gigabytes for a list of a million odd items.
 */
export function listOf<T extends z.ZodType>(item: T) {
  return z.array(z.unknown()).transform((values, context): z.output<T>[] => {
    const items: z.output<T>[] = [];
    for (const [index, value] of values.entries()) {
      const parsed = item.safeParse(value);
      if (!parsed.success) {
        const [issue] = parsed.error.issues;
        context.addIssue({ code: 'custom', message: issue?.message ?? '', path: [index, ...(issue?.path ?? [])] });
        return z.NEVER;
      }
      items.push(parsed.data);
    }
    return items;
  });
}
