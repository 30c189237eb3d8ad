// The layers of the house style as rules. Imports point down only:
//   roots → faces → workflows → domain → runtime   and   roots → adapters → domain → runtime.
// `src/assembly/` holds what the roots share of their work: it builds clients and joins rooms, so it counts as a root.
// Type imports count as imports (`tsPreCompilationDeps`): a workflow may not even name an adapter's type.
const ROOTS = '^src/(nodepoold|nodepool|nodepool-builder)[.]ts$';
const ASSEMBLY = '^src/assembly/';
const FACES = '^src/(cli|web)/';
const WORKFLOWS = '^src/(pool|snapshot|dib|builder)/';
const DOMAIN = '^src/(config|node|image|allocation|provider)/';
const ADAPTERS = '^src/(db|openstack|ssh|gearman|jenkins|events|metrics)/';
const RUNTIME = '^src/runtime/';
// The farm has rooms of its own under one root.
const FARM_ROOT = '^devfarm/devfarm[.]ts$';
const FARM_ROOMS = '^devfarm/(instances|openstack|jenkins|farm)/';
const ROOMS = [ROOTS, ASSEMBLY, FACES, WORKFLOWS, DOMAIN, ADAPTERS, RUNTIME];

// The codec is the one part of src/ that the farm shares: `src/gearman/codec.ts` or a folder `src/gearman/codec/`.
const CODEC = '^src/gearman/codec([.]ts$|/)';

/** Where a package that stands for one outside system may be imported. A package that is not listed is free. */
const HOMES = {
  pg: '^src/db/',
  zeromq: '^(src/events|devfarm/jenkins)/',
  ssh2: '^(src/ssh|devfarm/(instances|jenkins))/',
  undici: '^src/(openstack|jenkins)/',
  fastify: '^(src/web|devfarm)/',
  commander: '^(src/(cli/|(nodepoold|nodepool|nodepool-builder)[.]ts$)|devfarm/devfarm[.]ts$)',
};

// A name says what a file holds, and a barrel holds everything.
const VAGUE = '/(index|utils?|helpers?|common|lib|types|interfaces|misc)([.]ts$|/)';

/** Three rules, for a rule sees edges only: a file that imports, one that is imported, and one that does neither. */
const misplaced = (name, where) => [
  { name, from: where, to: {} },
  { name, from: {}, to: where },
  { name, from: { ...where, orphan: true }, to: {} },
];

const layers = [
  {
    name: 'roots-are-top',
    comment: 'Nobody imports a root.',
    from: {},
    to: { path: ROOTS },
  },
  {
    name: 'only-roots-use-assembly',
    comment: 'What is joined there is passed in.',
    from: { path: '^src/', pathNot: [ROOTS, ASSEMBLY] },
    to: { path: ASSEMBLY },
  },
  {
    name: 'faces-apart',
    comment: 'A face knows workflows and domain, not the other face.',
    from: { path: FACES },
    to: { path: FACES, pathNot: '^src/$1/' },
  },
  {
    name: 'workflows-look-down',
    comment: 'A workflow knows neither faces nor its sibling workflows.',
    from: { path: WORKFLOWS },
    to: { path: [FACES, WORKFLOWS], pathNot: '^src/$1/' },
  },
  {
    name: 'domain-looks-down',
    comment: 'The domain knows itself and runtime.',
    from: { path: DOMAIN },
    to: { path: [FACES, WORKFLOWS] },
  },
  {
    name: 'runtime-is-bottom',
    comment: 'Runtime knows nothing of Nodepool.',
    from: { path: RUNTIME },
    to: { path: '^src/', pathNot: RUNTIME },
  },
  {
    name: 'only-roots-build-adapters',
    comment: 'Declare an interface; the root passes the adapter in.',
    from: { path: '^src/', pathNot: [ROOTS, ASSEMBLY, ADAPTERS] },
    to: { path: ADAPTERS },
  },
  {
    name: 'adapters-apart',
    comment: 'One outside system per adapter.',
    from: { path: ADAPTERS },
    to: { path: ADAPTERS, pathNot: '^src/$1/' },
  },
  {
    name: 'adapters-look-down',
    comment: 'An adapter knows domain and runtime only.',
    from: { path: ADAPTERS },
    to: { path: [FACES, WORKFLOWS] },
  },
];

const purity = [
  {
    name: 'domain-has-no-io',
    comment: 'The domain decides; the edge acts.',
    from: { path: DOMAIN },
    to: { dependencyTypes: ['core'], pathNot: '^(node:)?(util|path|url)$' },
  },
  {
    name: 'domain-packages',
    comment: 'The domain uses pure packages only: schemas, YAML, the distance of two words.',
    from: { path: DOMAIN },
    to: { path: 'node_modules/', pathNot: 'node_modules/(zod|yaml|fastest-levenshtein)/' },
  },
];

const farm = [
  {
    name: 'farm-shares-codec-and-runtime-only',
    comment: 'The farm is another program: code shared with the pool would hide its own bugs.',
    from: { path: '^devfarm/' },
    to: { path: '^src/', pathNot: [CODEC, RUNTIME] },
  },
  {
    name: 'codec-stands-alone',
    comment: 'Else the farm reaches the pool through the codec.',
    from: { path: CODEC },
    to: { path: '^src/', pathNot: [CODEC, RUNTIME] },
  },
  {
    name: 'no-farm-in-daemon',
    comment: 'Test stand-ins are not shipped.',
    from: { path: '^src/' },
    to: { path: '^(devfarm|test)/' },
  },
];

const files = [
  { name: 'no-cycles', comment: 'A cycle has no top to read from.', from: {}, to: { circular: true } },
  ...misplaced('known-rooms', { path: '^src/', pathNot: ROOMS }),
  ...misplaced('known-farm-rooms', { path: '^devfarm/', pathNot: [FARM_ROOT, FARM_ROOMS] }),
  ...misplaced('telling-names', { path: VAGUE, pathNot: 'node_modules/' }),
  {
    name: 'command-line-loads-lazily',
    comment: 'Use `await import()`: `nodepool list` must not load clients that it does not use.',
    from: { path: '^src/nodepool[.]ts$' },
    to: { path: [ADAPTERS, WORKFLOWS, '^src/web/'], dynamic: false, dependencyTypesNot: ['type-only'] },
  },
];

const packages = [
  { name: 'resolvable', comment: 'The import leads nowhere.', from: {}, to: { couldNotResolve: true } },
  {
    name: 'declared-packages',
    comment: 'Not in package.json.',
    from: {},
    to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
  },
  {
    name: 'no-dev-packages',
    comment: 'Not installed in production.',
    from: { path: '^src/' },
    to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'], pathNot: 'node_modules/@types/' },
  },
  ...Object.entries(HOMES).map(([name, home]) => ({
    name: `${name}-at-home`,
    comment: `Only one room speaks ${name}.`,
    from: { path: '^(src|devfarm)/', pathNot: home },
    to: { path: `node_modules/(@types/)?${name}/` },
  })),
];

module.exports = {
  forbidden: [...layers, ...purity, ...farm, ...files, ...packages].map((rule) => ({ severity: 'error', ...rule })),
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'types', 'require', 'default'],
    },
  },
};
