/** The style of the pages, and the only script: it reads a page again that moves. Without it a link does. */

export const STYLE = `
:root { color-scheme: light dark; --back: #fff; --ink: #1b1f24; --soft: #57606a; --line: #d0d7de; --card: #f6f8fa; --link: #0550ae;
  --good: #116329; --bad: #a40e26; --busy: #0550ae; --wait: #7d4e00; --button: #0550ae; --on-button: #fff; }
@media (prefers-color-scheme: dark) { :root { --back: #0d1117; --ink: #e6edf3; --soft: #a3adb8; --line: #3d444d; --card: #161b22; --link: #79b8ff;
  --good: #56d364; --bad: #ff8f88; --busy: #79b8ff; --wait: #e3b341; --button: #79b8ff; --on-button: #0d1117; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; }
header { display: flex; flex-wrap: wrap; gap: .25rem 1.5rem; align-items: baseline; padding: .75rem 1rem; border-bottom: 1px solid var(--line); }
header p { margin: 0; font-weight: 700; }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1rem; margin: 0; padding: 0; list-style: none; }
main { max-width: 60rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.4rem; margin: .5rem 0 1rem; overflow-wrap: anywhere; }
h2 { font-size: 1.1rem; margin: 1.75rem 0 .5rem; }
h2:first-child { margin-top: 0; }
section + section, form + section { margin-top: 1.75rem; }
form p { margin: 0 0 .35rem; }
h3 { font-size: 1rem; margin: 0; overflow-wrap: anywhere; }
a { color: var(--link); }
a:focus-visible, button:focus-visible, input:focus-visible, select:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
main:focus { outline: none; }
.skip { position: absolute; left: -100vw; }
.skip:focus { left: .5rem; top: .5rem; background: var(--back); padding: .5rem; z-index: 1; }
.cards { list-style: none; margin: 0; padding: 0; display: grid; gap: .75rem; }
.card { border: 1px solid var(--line); border-radius: .5rem; background: var(--card); padding: .75rem 1rem; }
.card > * + * { margin-top: .35rem; }
.soft { color: var(--soft); }
.card p, .card dl { margin-bottom: 0; }
.state { font-weight: 600; }
.completed { color: var(--good); } .failed, .refused, .stopped { color: var(--bad); } .running, .received { color: var(--busy); }
.paused, .cancelled, .unknown { color: var(--wait); }
progress { width: 100%; height: .75rem; accent-color: var(--busy); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: .5rem 0; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
form { display: grid; gap: .75rem; justify-items: start; }
.orders { display: flex; flex-wrap: wrap; gap: .5rem; margin: .75rem 0; }
.row { display: flex; flex-wrap: wrap; gap: .5rem; }
label { display: block; font-weight: 600; }
input, select { font: inherit; color: inherit; background: var(--back); border: 1px solid var(--soft); border-radius: .35rem; padding: .4rem .6rem; max-width: 100%; }
input[type=file] { border-style: dashed; padding: 1rem; width: 100%; }
button { font: inherit; font-weight: 600; color: var(--on-button); background: var(--button); border: 0; border-radius: .35rem; padding: .5rem 1rem; min-height: 2.75rem; cursor: pointer; }
pre { overflow-x: auto; border: 1px solid var(--line); border-radius: .35rem; padding: .5rem; font-size: .85rem; }
summary { cursor: pointer; }
button.quiet { color: var(--link); background: none; border: 1px solid var(--soft); }
`;

/** Every two seconds, while the page is looked at; what did not change is left as it is, and so is what somebody is using. */
export const SCRIPT = `
const again = async () => {
  if (document.hidden) return;
  try {
    const answer = await fetch(location.href, { headers: { accept: 'text/html' } });
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
    for (const now of document.querySelectorAll('[data-live]')) {
      const then = page.getElementById(now.id);
      if (then && then.innerHTML !== now.innerHTML && !now.contains(document.activeElement)) now.innerHTML = then.innerHTML;
    }
  } catch {}
};
for (const link of document.querySelectorAll('[data-again]')) link.hidden = true;
setInterval(again, 2000);
`;
