/** How long the page's thread was busy at one stretch, as its user feels it. */
import type { Page } from "@playwright/test";

interface Watched {
  gaps: number[];
  tasks: number[];
}

/** Begins to watch: the gaps between turns of the page's thread, and the browser's own account of long tasks. */
export async function watchThread(page: Page): Promise<void> {
  await page.evaluate(() => {
    const watched: Watched = { gaps: [], tasks: [] };
    const channel = new MessageChannel();
    let last = performance.now();
    // A message to oneself comes as soon as the thread is free, where frames wait for the screen.
    channel.port1.onmessage = () => {
      const now = performance.now();
      if (now - last > 4) watched.gaps.push(now - last);
      last = now;
      if ((window as never as { watched?: Watched }).watched === watched) channel.port2.postMessage(0);
    };
    new PerformanceObserver((list) => watched.tasks.push(...list.getEntries().map((entry) => entry.duration))).observe({ entryTypes: ["longtask"] });
    Object.assign(window, { watched });
    channel.port2.postMessage(0);
  });
}

/** Ends it: the longest stretches in milliseconds, the longest first, and the tasks over 50 ms. */
export async function seenOfThread(page: Page): Promise<Watched> {
  return page.evaluate(() => {
    const { gaps, tasks } = (window as never as { watched: Watched }).watched;
    Object.assign(window, { watched: undefined });
    return { gaps: gaps.sort((a, b) => b - a).slice(0, 5), tasks };
  });
}
