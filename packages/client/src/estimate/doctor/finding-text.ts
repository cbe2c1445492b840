import type { Difference } from './difference.ts';
import type { Finding } from './finding.ts';

/** A finding for people. */
export interface FindingText {
  /** What is the matter, with the values. */
  readonly problem: string;
  /** What to change. */
  readonly remedy: string;
}

export function findingText(finding: Finding): FindingText {
  switch (finding.code) {
    case 'prefix_below_minimum':
    case 'marker_on_last_block':
    case 'marker_on_varying_block':
    case 'no_markers':
    case 'too_far_apart':
    case 'ttl_too_short':
      return markerText(finding);
    case 'tool_order_differs':
      return toolOrderText(finding);
    case 'varying_value':
    case 'nearly_identical':
    case 'shared_within_block':
      return differenceText(finding);
    case 'settings_differ':
    case 'models_differ':
      return settingsText(finding);
    default:
      return finding satisfies never;
  }
}

type Of<Code extends Finding['code']> = Finding & { readonly code: Code };

function who({ count, isSampled }: Finding): string {
  return `${isSampled ? 'About ' : ''}${figure(count)} ${count === 1 ? 'request' : 'requests'}`;
}

function figure(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+(?!\d))/g, ',');
}

function markerText(
  finding: Of<
    | 'prefix_below_minimum'
    | 'marker_on_last_block'
    | 'marker_on_varying_block'
    | 'no_markers'
    | 'too_far_apart'
    | 'ttl_too_short'
  >,
): FindingText {
  switch (finding.code) {
    case 'prefix_below_minimum': {
      const { model, tokens, minimum } = finding;
      const missing = figure(minimum - tokens);
      return {
        problem: `${who(finding)} share at most ${figure(tokens)} tokens (estimated), and ${model} caches from ${figure(minimum)} on: ${missing} are missing.`,
        remedy:
          'Move more of what is the same to the front (tools, system, documents), or use a model that caches less.',
      };
    }
    case 'marker_on_last_block':
      return {
        problem: `${who(finding)} mark ${finding.path}, the last block of a prompt that no other goes on from: ${figure(finding.tokens)} tokens are written, dearer than plain input, and read by none.`,
        remedy:
          'Mark the last block that requests share. A cache_control at the top of params marks the last block too.',
      };
    case 'marker_on_varying_block':
      return {
        problem: `${who(finding)} mark ${finding.path}, which no other request has: ${figure(finding.tokens)} tokens are written, dearer than plain input, and read by none.`,
        remedy: 'Put cache_control on the last block that requests have in common.',
      };
    case 'no_markers':
      return {
        problem: `${who(finding)} share prefixes and carry no cache_control: nothing is cached.`,
        remedy: 'Run with --markers auto, or mark the last block that requests share.',
      };
    case 'too_far_apart':
      return {
        problem: `${who(finding)} could read what others write, but it ends up to ${finding.blocks} blocks before their own marker, and the API looks back over 20 alone.`,
        remedy: 'Set another marker where the others have theirs, or at least one in every 20 blocks.',
      };
    case 'ttl_too_short':
      return {
        problem: `${who(finding)} mark prefixes of up to ${figure(finding.tokens)} tokens for five minutes; a run goes in waves that are further apart, and each writes them anew.`,
        remedy: 'Mark with {"type":"ephemeral","ttl":"1h"}, or take these markers out and let the run set its own.',
      };
    default:
      return finding satisfies never;
  }
}

function toolOrderText(finding: Of<'tool_order_differs'>): FindingText {
  const { orders, left, right } = finding;
  return {
    problem: `${who(finding)} list the same tools as others in another order (${figure(orders)} orders): where one has ${left}, the other has ${right}. Prompts begin with their tools, so nothing behind is shared either.`,
    remedy: `Sort them where requests are made. Of a file of requests: jq -c 'if .params.tools then .params.tools |= sort_by(.name) else . end'`,
  };
}

function differenceText(finding: Of<'varying_value' | 'nearly_identical' | 'shared_within_block'>): FindingText {
  const { code, difference, variants } = finding;
  const place = placeText(difference);
  switch (code) {
    case 'varying_value':
      return {
        problem: `${who(finding)} are nearly the same up to ${difference.look ?? 'a value'} ${place}: what lies behind it is paid for ${figure(variants)} times over.`,
        remedy: 'Leave it out, use one value for the whole run, or move it behind everything that is shared.',
      };
    case 'nearly_identical':
      return {
        problem: `${who(finding)} are nearly the same, and differ first ${place}: what lies behind that is paid for ${figure(variants)} times over.`,
        remedy: 'Make it the same in all of them, or move what differs behind everything that is shared.',
      };
    case 'shared_within_block':
      return {
        problem: `${who(finding)} begin alike and differ ${place}, inside a block: only whole blocks are cached, so that all of it is paid for ${figure(variants)} times over.`,
        remedy:
          'Put what is shared in a block of its own. Of a template: --split-at MARK, with MARK before what differs.',
      };
    default:
      return code satisfies never;
  }
}

function placeText({ path, offset }: Difference): string {
  return `in ${path}, at byte ${figure(offset)}`;
}

function settingsText(finding: Of<'settings_differ' | 'models_differ'>): FindingText {
  if (finding.code === 'models_differ') {
    return {
      problem: `${who(finding)} begin alike, to ${finding.models.join(', ')}: every model caches for itself.`,
      remedy: 'Use one model where answers need not be compared.',
    };
  }
  const { names, variants } = finding;
  const what = names.join(', ');
  return {
    problem: `${who(finding)} say the same and differ in ${what}: ${figure(variants)} variants, each cached for itself.`,
    remedy: `Use one value of ${what} for all requests that share a prompt${names.includes('images') ? '; an image anywhere counts for all messages' : ''}.`,
  };
}
