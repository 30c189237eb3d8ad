import { expect, test } from 'vitest';
import { systemClock } from '../../../src/runtime/clock.ts';
import { EmulatorRig } from './emulator-rig.ts';
test('throughput', async () => {
  const quota = { instances: -1, cores: -1, ramMib: -1, ports: -1 };
  await using rig = await EmulatorRig.open({ clock: systemClock, options: { projects: [{ name: 'nodepool', quota }], timings: { buildMs: 1000 } } });
  const body = await rig.serverBody('many');
  for (const n of [1000, 1000]) {
    const t = performance.now(); const c0 = process.cpuUsage();
    let left = n; const ids: string[] = [];
    await Promise.all(Array.from({ length: 20 }, async () => { while (left-- > 0) ids.push(((await rig.json('compute', 'POST /v2.1/servers', body)) as any).server.id); }));
    const ms = performance.now() - t; const cpu = process.cpuUsage(c0);
    console.log(`${n} creates in ${ms.toFixed(0)} ms; cpu ${((cpu.user + cpu.system) / 1000).toFixed(0)} ms (client included)`);
    await new Promise((r) => setTimeout(r, 2500));
    const t2 = performance.now(); const page = await rig.json('compute', 'GET /v2.1/servers/detail'); console.log('detail', (performance.now() - t2).toFixed(0), (page as any).servers.filter((s: any) => s.status === 'ACTIVE').length);
    const t3 = performance.now();
    let i = 0; await Promise.all(Array.from({ length: 20 }, async () => { while (i < 500) { await rig.call('compute', `GET /v2.1/servers/${ids[i++]}`); } }));
    console.log('500 gets', (performance.now() - t3).toFixed(0));
    const t4 = performance.now();
    i = 0; await Promise.all(Array.from({ length: 20 }, async () => { while (i < n) { await rig.call('compute', `DELETE /v2.1/servers/${ids[i++]}`); } }));
    console.log('deletes', (performance.now() - t4).toFixed(0));
  }
  expect(1).toBe(1);
}, 120000);
