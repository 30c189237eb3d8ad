import type { ProviderConfig } from '../config/config.ts';

/** The names of Nova keypairs that an operator made and the configuration uses: never deleted by us. */
export function operatorKeypairs(provider: ProviderConfig | undefined): ReadonlySet<string> {
  const names = [provider?.keypair, ...(provider?.images ?? []).map(({ keyName }) => keyName)];
  return new Set(names.filter((name) => name !== undefined));
}
