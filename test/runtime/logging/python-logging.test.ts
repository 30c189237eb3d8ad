import { describe, expect, test } from 'vitest';
import { pythonLogging } from '../../../src/runtime/logging/python-logging.ts';
import { FakeClock } from '../../fakes/fake-clock.ts';
import { aLogFolder, type LogFolder } from './log-folder.ts';

/** A logging.conf of the given loggers, whose handlers `all` and `errors` write bare lines to files of their names. */
function aConf(folder: LogFolder, loggers: Readonly<Record<string, string>>): string {
  const handler = (name: string, level: string): string =>
    [
      `[handler_${name}]`,
      ...['class=FileHandler', `level=${level}`, 'formatter=bare', `args=('${folder.pathOf(name)}',)`],
    ].join('\n');
  return [
    `[loggers]\nkeys=${Object.keys(loggers).join(',')}`,
    '[handlers]\nkeys=all,errors',
    '[formatters]\nkeys=bare',
    ...Object.entries(loggers).map(([name, keys]) => `[logger_${name}]\n${keys}`),
    handler('all', 'DEBUG'),
    handler('errors', 'ERROR'),
    '[formatter_bare]\nformat=%(name)s %(levelname)s %(message)s',
  ].join('\n\n');
}

/** Sections behind those of a root logger. */
function aRootAnd(sections: string): string {
  return `[loggers]\nkeys=root\n[logger_root]\nlevel=INFO\n${sections}`;
}

/** The rest of a key list, and the section of its one handler, which works. */
const ERRORS = 'errors\n[handler_errors]\nclass=StreamHandler';

/** A handler `a` beside one that works. */
function withHandler(keys: string): string {
  return aRootAnd(`[handlers]\nkeys=a,${ERRORS}\n[handler_a]\n${keys}`);
}

function log(conf: string) {
  const warnings: string[] = [];
  const tree = pythonLogging(conf, new FakeClock(), (line) => warnings.push(line));
  return { tree, warnings, logger: (name: string) => tree.logger(name) };
}

describe('a logging.conf', () => {
  test('sends what is below a logger to its handlers, and up to the root', () => {
    const folder = aLogFolder();
    const { logger, warnings } = log(
      aConf(folder, {
        root: 'level=WARNING\nhandlers=errors',
        nodepool: 'level=DEBUG\nhandlers=all\nqualname=nodepool',
      }),
    );

    logger('nodepool.NodePool').debug('looks');
    logger('nodepool.NodePool').error('fails');
    logger('other').error('fails too');

    expect(folder.lines('all')).toEqual(['nodepool.NodePool DEBUG looks', 'nodepool.NodePool ERROR fails']);
    expect(folder.lines('errors')).toEqual(['nodepool.NodePool ERROR fails', 'other ERROR fails too']);
    expect(warnings).toEqual([]);
  });

  test('lets a logger that does not propagate keep its lines to itself', () => {
    const folder = aLogFolder();
    const { logger } = log(
      aConf(folder, {
        root: 'level=DEBUG\nhandlers=errors',
        gear: 'level=ERROR\nhandlers=all\nqualname=gear\npropagate=0',
      }),
    );

    logger('gear.Client').error('lost');
    logger('gear.Client').warn('not told');

    expect(folder.lines('all')).toEqual(['gear.Client ERROR lost']);
    expect(folder.lines('errors')).toEqual(['']);
  });

  test('gives a logger without a level that of the nearest one above it', () => {
    const folder = aLogFolder();
    const { logger } = log(
      aConf(folder, {
        root: 'level=DEBUG\nhandlers=all',
        nodepool: 'level=ERROR\nhandlers=\nqualname=nodepool',
        pool: 'level=NOTSET\nhandlers=\nqualname=nodepool.NodePool',
      }),
    );

    logger('nodepool.NodePool').info('hidden');
    logger('nodepool.NodePool').error('shown');
    logger('other').debug('shown');

    expect(folder.lines('all')).toEqual(['nodepool.NodePool ERROR shown', 'other DEBUG shown']);
  });

  test('does not take a name for another that begins with it', () => {
    const folder = aLogFolder();
    const { logger } = log(
      aConf(folder, { root: 'level=ERROR\nhandlers=all', pool: 'level=DEBUG\nhandlers=\nqualname=nodepool.Node' }),
    );

    logger('nodepool.NodePool').debug('another');
    logger('nodepool.Node').debug('itself');

    expect(folder.lines('all')).toEqual(['nodepool.Node DEBUG itself']);
  });

  test.each([
    ['there is no section [handler_lost]', aRootAnd(`[handlers]\nkeys=lost,${ERRORS}`)],
    ['there is no section [logger_lost]', '[loggers]\nkeys=root,lost\n[logger_root]\nlevel=INFO\n[handlers]\nkeys='],
    ['level "LOUD" is unknown and left out', '[loggers]\nkeys=root\n[logger_root]\nlevel=LOUD\n[handlers]\nkeys='],
    ['[handler_a] is left out: class "SMTPHandler" is not supported', withHandler('class=SMTPHandler')],
    ['[handler_a] is left out: args name no file', withHandler('class=FileHandler\nargs=()')],
    [
      '[handler_a] is left out: args have "many" where a number belongs',
      withHandler("class=handlers.RotatingFileHandler\nargs=('/tmp/x', 'a', 'many', 5)"),
    ],
    [
      '[handler_a] is left out: args have "SOMETIMES" where one of S, M, H, D, MIDNIGHT, W0 to W6 belongs',
      withHandler("class=handlers.TimedRotatingFileHandler\nargs=('/tmp/x', 'sometimes')"),
    ],
  ])('warns that %s, and is used without it: a daemon without one log beats no daemon', (warning, conf) => {
    expect(log(conf).warnings).toEqual([`logging configuration: ${warning}`]);
  });

  test.each([
    ['this is neither "[section]" nor "option = value"', 'garbage'],
    ['this is neither "[section]" nor "option = value"', aRootAnd('[handlers]\nkeys=\n}{')],
    ['an option stands before the first section', 'keys=root'],
    ['there is no section [loggers]', '[handlers]\nkeys=\n'],
    ['there is no section [handlers]', aRootAnd('')],
    ['there is no "root" among the keys of [loggers]', '[loggers]\nkeys=nodepool\n[handlers]\nkeys='],
    ['there is no section [handler_lost]', aRootAnd('[handlers]\nkeys=lost')],
    ['[handler_a] is left out: args name no file', aRootAnd('[handlers]\nkeys=a\n[handler_a]\nclass=FileHandler')],
  ])('is refused where %s: a daemon would say nothing at all', (reason, conf) => {
    expect(() => log(conf)).toThrow(reason);
  });

  test('warns of a file that cannot be opened, and logs to the others', () => {
    const folder = aLogFolder();
    const conf = aConf(folder, { root: 'level=DEBUG\nhandlers=all,errors' }).replace(
      folder.pathOf('errors'),
      folder.pathOf('missing/errors'),
    );
    const { logger, warnings } = log(conf);

    logger('nodepool').info('told');

    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain('[handler_errors] is left out');
    expect(folder.lines('all')).toEqual(['nodepool INFO told']);
  });

  test('prints the bare message where a handler names no formatter', () => {
    const folder = aLogFolder();
    const { logger } = log(aConf(folder, { root: 'level=DEBUG\nhandlers=all' }).replaceAll('formatter=bare', ''));

    logger('nodepool').info('bare', { node: 1 });

    expect(folder.lines('all')).toEqual(['bare node=1']);
  });

  test('whose root has no handlers logs nothing, and complains of nothing', () => {
    const { logger, warnings } = log(aRootAnd('[handlers]\nkeys='));

    logger('nodepool').error('unheard');

    expect(warnings).toEqual([]);
  });
});

test('a fact that cannot be printed does not fail the code that logs it', () => {
  const folder = aLogFolder();
  const { logger } = log(aConf(folder, { root: 'level=DEBUG\nhandlers=all' }));
  const fact = {
    get [Symbol.toStringTag](): string {
      throw new Error('no tag');
    },
  };

  logger('nodepool').info('told', { fact });

  expect(folder.lines('all')).toHaveLength(1);
  expect(folder.lines('all')[0]).toMatch(/^nodepool INFO told/);
});
