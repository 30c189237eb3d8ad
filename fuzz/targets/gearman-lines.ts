import { demandFromStatus } from '../../src/allocation/demand-from-status.ts';
import { parseStatusText } from '../../src/allocation/parse-status-text.ts';
import { parseJobLine, parseLines, parseStatusLine, parseWorkerLine } from '../../src/gearman/admin-lines.ts';
import { LineSplitter } from '../../src/gearman/line-splitter.ts';
import { ProtocolError } from '../../src/runtime/errors.ts';
import { type ByteTarget, promise } from '../fuzz-target.ts';
import { recordedTexts } from './gearman-recordings.ts';

export const gearmanLines: ByteTarget = {
  kind: 'bytes',
  name: 'gearman-lines',
  about: 'lines of status, workers and jobs; the demand that they make',
  corpus: recordedTexts,
  words: ['\t', '.\n', ' : ', 'build:', ':', '\t1\t0\t0\n', '\r'],
  mayThrow: [ProtocolError],
  feed: (input) => {
    const lines = new LineSplitter().push(input);
    const { rows, junkLines } = parseLines(lines, parseStatusLine);
    promise(rows.length + junkLines === lines.length, 'It loses lines');
    parseLines(lines, parseWorkerLine);
    parseLines(lines, parseJobLine);
    const demand = demandFromStatus([rows, parseStatusText(input.toString())]);
    for (const jobs of demand.values()) promise(jobs > 0, 'A demand is no count');
  },
};
