/** Waits, but not longer than until `cut` has ended. */
export async function pause(ms: number, cut?: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const elapsed = new Promise<void>((end) => {
    timer = setTimeout(end, ms);
  });
  await (cut === undefined ? elapsed : Promise.race([elapsed, cut]));
  clearTimeout(timer);
}
