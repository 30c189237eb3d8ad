/** Notes what is written to standard output and standard error until it is disposed. */
export function watchOutput(): Disposable & { readonly printed: string } {
  const streams = [process.stdout, process.stderr];
  const writers = streams.map((stream) => stream.write.bind(stream));
  let printed = '';
  const note = (chunk: string | Uint8Array): boolean => {
    printed += String(chunk);
    return true;
  };
  for (const stream of streams) stream.write = note;
  return {
    get printed() {
      return printed;
    },
    [Symbol.dispose]: () => {
      streams.forEach((stream, index) => {
        stream.write = writers[index] ?? note;
      });
    },
  };
}
