/* What Rust calls: plain numbers and pointers. `src/ffi.rs` mirrors this file. */
#ifndef VITRINE_ENCODE_H
#define VITRINE_ENCODE_H

#include <stddef.h>
#include <stdint.h>

/* A picture as luma and two chroma planes, 8 bits, full range, without gaps between rows. Without colour, `u` and `v`
   are null. The chroma planes are half as wide and high, rounded up, when `subsampled`. */
struct vitrine_planes {
  const uint8_t *y, *u, *v;
  uint32_t width, height;
  int32_t subsampled;
};

/* Room for what a decoder will show, laid out as the planes that went in. */
struct vitrine_shown {
  uint8_t *y, *u, *v;
};

/* One AV1 still picture. `quantizer` is 1 (fine) to 63; `shown` is filled, unless it is null. Returns 0 and a buffer
   for `vitrine_free`, or libaom's error code. */
int32_t vitrine_av1(const struct vitrine_planes *planes, int32_t speed, int32_t quantizer,
                    const struct vitrine_shown *shown, uint8_t **bytes, size_t *length);

/* One WebP file from RGB (3) or RGBA (4) `channels` without gaps between rows. `quality` is 0 to 100; when `lossless`,
   it is the effort. Returns 0 and a buffer for `vitrine_free`, or libwebp's error code. */
int32_t vitrine_webp(const uint8_t *pixels, int32_t channels, uint32_t width, uint32_t height, int32_t lossless,
                     float quality, int32_t method, uint8_t **bytes, size_t *length);

/* An animated WebP file in the making. */
struct vitrine_animation;

/* Begins one that plays `loops` times; nought is for ever. Each frame is coded without losses, where `quality` is the
   effort; or else, when not `lossless`, in whichever way is smaller. Returns null where memory ran out. */
struct vitrine_animation *vitrine_animation_begin(uint32_t width, uint32_t height, uint32_t loops, int32_t lossless,
                                                  float quality, int32_t method);

/* Adds what is seen from `at_ms` on: the whole canvas, RGBA, without gaps between rows. Times never go back. Returns 0
   or libwebp's error code. */
int32_t vitrine_animation_add(struct vitrine_animation *animation, const uint8_t *pixels, int32_t at_ms);

/* Ends it at `at_ms`. Returns 0 and a buffer for `vitrine_free`, or libwebp's error code. */
int32_t vitrine_animation_end(struct vitrine_animation *animation, int32_t at_ms, uint8_t **bytes, size_t *length);

void vitrine_animation_free(struct vitrine_animation *animation);

void vitrine_free(uint8_t *bytes);

#endif
