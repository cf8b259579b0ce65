/** What happens in several browsers at the same moment. */
import type { Person } from "./person";

/** Holds back what each of them first asks of a method of the relay until all have asked it; `reached` tells when. */
export async function atOneMoment(people: Person[], method: string): Promise<{ reached: Promise<void> }> {
  let missing = people.length;
  let reach: () => void;
  const reached = new Promise<void>((resolve) => (reach = resolve));
  for (const person of people) {
    let asked = false;
    await person.context.route("**/jmap/api", async (route) => {
      if (!asked && route.request().postData()?.includes(`"${method}"`)) {
        asked = true;
        missing -= 1;
        if (missing === 0) reach();
        await reached;
      }
      await route.continue();
    });
  }
  return { reached };
}
