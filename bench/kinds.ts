/** `node dist/bench/kinds.js [SEEDS] [NAME]` */
import { KINDS, kindFigures, kindScenario } from '../simulation/rate/kinds.ts';
import { simulate } from '../simulation/rate/simulation.ts';

const seeds = Array.from({ length: Number(process.argv[2] ?? 4) }, (_, index) => index + 1);
const some = process.argv[3] ?? '';
for (const kind of KINDS.filter(({ name }) => name.includes(some))) {
  for (const workers of [1, 2] as const) {
    const all = seeds.map((seed) => {
      const scenario = kindScenario(kind, seed, workers);
      return kindFigures(simulate(scenario, seed), scenario);
    });
    const used = Math.min(...all.map((f) => f.used));
    const bad = all.filter((f) => f.refused > f.allowed || f.refusedLate > f.allowedLate).length;
    const refused = Math.max(...all.map((f) => f.refused));
    const late = Math.max(...all.map((f) => f.refusedLate));
    const need = kind.headers === undefined ? 0.9 : 0.95;
    const ok = used >= need && bad === 0 ? 'ok ' : 'BAD';
    console.log(
      `${ok} ${kind.name} ×${workers}: used ${used.toFixed(3)} (mean ${(all.reduce((s, f) => s + f.used, 0) / all.length).toFixed(3)}), refused ${refused}/${all[0]!.allowed.toFixed(0)}, late ${late}/${all[0]!.allowedLate.toFixed(0)}, bad ${bad}/${all.length}`,
    );
  }
}
