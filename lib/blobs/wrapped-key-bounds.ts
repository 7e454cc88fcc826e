/** What session keys under other session keys may be. */

/** No documented bound. Far above any wrapped key, far below what would hurt. */
export const MAX_WRAPPED_KEY = 65_536;
