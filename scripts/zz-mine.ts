import { readFileSync } from 'node:fs';
import { readYaml } from '../src/config/yaml/read-yaml.ts';
import { FaultReport } from '../src/config/fault-report.ts';
let bad=0;
for (const [s,t,v] of JSON.parse(readFileSync('/tmp/scalars.json','utf8'))) {
  const r=new FaultReport(); const n:any=readYaml({path:'x',text:`k: ${s}\n`},r);
  const x=n?.entries?.get('k')?.value;
  const val = t==='fraction'? (v==='inf'?Infinity:v==='-inf'?-Infinity:v==='nan'?NaN:Number(v)) : v;
  const ok = x && x.type===t && (t==='date' || t==='nothing' || Object.is(x.value,val) || x.value===val|| Math.abs(x.value-val)<1e-9*Math.abs(val));
  if(!ok && bad++<25) console.log(JSON.stringify(s),t,v,'| mine:',x?.type,x?.value, r.faults[0]?.message);
}
console.log('bad',bad);
for (const [name,text] of Object.entries({open:'['.repeat(1e6), flow:'[[]]'.repeat(3e5), dash:'- '.repeat(50000)+'a', dash2:'- '.repeat(1e6)+'a', q:'? '.repeat(200000), nestmap:Array.from({length:3000},(_, i)=>' '.repeat(i)+'a:\n').join(''), big:'a: b\n'.repeat(300000), biglist:'- b\n'.repeat(1900000), bomb:'a: &a [x,x,x,x,x,x,x,x,x]\n'+'bcdefghijkl'.split('').map((c,i)=>`${c}: &${c} [${Array(9).fill('*'+'abcdefghijkl'[i]).join(',')}]`).join('\n'), merge:'a: &a {x: 1}\n'+'b: {<<: ['+Array(50000).fill('*a').join(',')+']}', longline:'a: '+'x'.repeat(8e6), quotes:'"'.repeat(1e6), colons:'a:'.repeat(1e6), braces:'{'.repeat(999), amp:'&'.repeat(1e6), excl:'!'.repeat(1e6), hash:'#'.repeat(8e6), nl:'\n'.repeat(8e6), pipe:'a: |\n'+' x\n'.repeat(1e6), blanks:' '.repeat(8e6)+'a', unk:'providers: []\n'+Array.from({length:60000},(_, i)=>'keyy'+i+': 1\n').join('') })) {
  const t0=performance.now(); const r=new FaultReport(); let res; try { res=readYaml({path:'x',text},r);} catch(e){res=e}
  console.log(name, text.length, (performance.now()-t0).toFixed(0)+'ms', res instanceof Error? 'THROWN '+String(res).slice(0,200):(res as any)?.kind, r.faults.slice(0,2).map(f=>f.line+':'+f.column+f.message));
}
