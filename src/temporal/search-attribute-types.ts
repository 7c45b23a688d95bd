/** The types of wds's search attributes, for the dev server's command line and for the registration elsewhere. */
import { SEARCH_ATTRIBUTES } from '../domain/names.ts';

export const SEARCH_ATTRIBUTE_TYPES = {
  [SEARCH_ATTRIBUTES.fileName]: 'Keyword',
  [SEARCH_ATTRIBUTES.endpoint]: 'Keyword',
  [SEARCH_ATTRIBUTES.rows]: 'Int',
  [SEARCH_ATTRIBUTES.failed]: 'Int',
} as const;
