/** The walkthrough as it was published: its headings, prose and fenced commands, in order. */
export interface Page {
  readonly title: string;
  readonly parts: readonly PagePart[];
  /** Every command of every fence, in the page's order. */
  readonly commands: readonly PageCommand[];
}

export type PagePart =
  | { readonly kind: 'heading'; readonly depth: number; readonly text: string; readonly anchor: string }
  | { readonly kind: 'prose'; readonly text: string }
  | { readonly kind: 'tab'; readonly text: string }
  | { readonly kind: 'fence'; readonly commands: readonly PageCommand[] };

export interface PageCommand {
  /** Section anchor and place within the section: "cleanup-the-example.2". */
  readonly id: string;
  /** As printed, without the prompt; a here-document included. */
  readonly text: string;
  /** Title of the tab that it stands in, where the page offers several ways. */
  readonly tab: string | undefined;
}

/**
 * Reads a page of istio.io: Markdown with Hugo's short codes. Commands are what stands in a fence `{{< text bash >}}`
 * behind a prompt `$ `.
 */
export function parsePage(source: string): Page {
  const frontMatter = /^---\n([\s\S]*?)\n---\n/.exec(source);
  const title = /^title: (.*)$/m.exec(frontMatter?.[1] ?? '')?.[1] ?? '';
  const parts: PagePart[] = [];
  const counts = new Map<string, number>();
  let anchor = 'top';
  let tab: string | undefined;
  let prose: string[] = [];
  const endProse = (): void => {
    const text = prose.join('\n').trim();
    if (text !== '') parts.push({ kind: 'prose', text });
    prose = [];
  };

  const lines = source.slice(frontMatter?.[0].length ?? 0).split('\n');
  for (let index = 0; index < lines.length; index += 1) {
    const line = lines[index] ?? '';
    const heading = /^(#+) (.*?)(?:\{#(.+)\})?$/.exec(line);
    const opened = /^\s*\{\{< tab name="([^"]*)"/.exec(line);
    if (heading !== null) {
      endProse();
      tab = undefined;
      anchor = heading[3] ?? (heading[2] ?? '').toLowerCase().replaceAll(' ', '-');
      parts.push({ kind: 'heading', depth: heading[1]?.length ?? 1, text: heading[2] ?? '', anchor });
    } else if (opened !== null) {
      endProse();
      tab = opened[1];
      parts.push({ kind: 'tab', text: tab ?? '' });
    } else if (/^\s*\{\{< text \w+/.test(line)) {
      endProse();
      const end = lines.findIndex((candidate, at) => at > index && candidate.includes('{{< /text >}}'));
      const texts = commandsIn(lines.slice(index + 1, end));
      const commands = texts.map((text): PageCommand => {
        const place = (counts.get(anchor) ?? 0) + 1;
        counts.set(anchor, place);
        return { id: `${anchor}.${place}`, text, tab };
      });
      parts.push({ kind: 'fence', commands });
      index = end;
    } else if (/^\s*\{\{< \/tab(set)? >\}\}/.test(line)) {
      endProse();
      tab = undefined;
    } else prose.push(plain(line));
  }
  endProse();
  return { title, parts, commands: parts.flatMap((part) => (part.kind === 'fence' ? part.commands : [])) };
}

/**
 * The commands of a fence: each begins at a prompt and takes what follows, continuation lines and here-documents, up to
 * the next.
 */
function commandsIn(lines: readonly string[]): string[] {
  const indent = Math.min(
    ...lines.filter((line) => line.trim() !== '').map((line) => line.length - line.trimStart().length),
  );
  const commands: string[] = [];
  for (const line of lines.map((one) => one.slice(indent))) {
    if (line.startsWith('$ ')) commands.push(line.slice(2));
    else if (commands.length > 0) commands.push(`${commands.pop() ?? ''}\n${line}`);
  }
  return commands.map((command) => command.trimEnd());
}

/** A line of prose without Hugo's short codes. */
function plain(line: string): string {
  return line
    .replaceAll(/^\s*\{\{< \/?(tip|warning|tabset|boilerplate|image).*>\}\}\s*$/g, '')
    .replaceAll(/\{\{<\s*github_tree\s*>\}\}/g, 'https://github.com/istio/istio/tree')
    .replaceAll(/\{\{<.*?>\}\}/g, '');
}

/** The commands that "section.2" or "section.2-4" names. */
export function commandsOf(page: Page, reference: string): PageCommand[] {
  const [, section = '', from = '0', to = from] = /^(.*)\.(\d+)(?:-(\d+))?$/.exec(reference) ?? [];
  const wanted = Array.from(
    { length: Number(to) - Number(from) + 1 },
    (_, index) => `${section}.${Number(from) + index}`,
  );
  return page.commands.filter(({ id }) => wanted.includes(id));
}
