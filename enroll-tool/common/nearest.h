/* SPDX-License-Identifier: BSD-2-Clause */
/* "Did you mean": the word that was probably meant by a mistyped one. */
#ifndef COMMON_NEAREST_H
#define COMMON_NEAREST_H

#include <stddef.h>

/*
 * The nearest of `words`. Each letter that is changed, missing, added or swapped with the next one
 * counts as one; so does all that is missing after a beginning of three letters or more. NULL if
 * more than a third of the letters differ.
 */
const char *nearest_word(const char *typed, const char *const *words, size_t count);

#endif
