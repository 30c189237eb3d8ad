/** A file that was read. */
export type ConfigText = { readonly path: string; readonly text: string };

/** Everything that decides the configuration; the caller reads the files. */
export type ConfigSources = {
  readonly yaml: ConfigText;
  /** secure.conf. Absent: there is none. */
  readonly secure?: ConfigText | undefined;
  /**
   * What was found of the files that `cloudFileCandidates` lists. Absent: nobody looked; then no cloud is said to be
   * missing, and providers have their own keys only. For a syntax check.
   */
  readonly clouds?: CloudSources | undefined;
  /** The `OS_*` variables are read from it. */
  readonly environment: Readonly<Record<string, string | undefined>>;
};

export type CloudSources = {
  /** clouds.yaml. */
  readonly clouds?: ConfigText | undefined;
  /** secure.yaml, laid over it. */
  readonly secure?: ConfigText | undefined;
  /** clouds-public.yaml: vendor profiles. */
  readonly publicClouds?: ConfigText | undefined;
};
