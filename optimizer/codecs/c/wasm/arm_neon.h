/* NEON for WebAssembly: SIMDe turns the intrinsics into simd128 instructions, and what it lacks follows here, in
   terms of those that it has. The libraries' NEON paths then run about twice as fast as their plain C. */
#ifndef VITRINE_ARM_NEON_H
#define VITRINE_ARM_NEON_H

#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/arm/neon.h>

/* Macros, because a lane is a constant. */
#define vmla_lane_s16(sum, a, v, lane) vadd_s16((sum), vmul_s16((a), vdup_n_s16(vget_lane_s16((v), (lane)))))
#define vmlaq_lane_s16(sum, a, v, lane) vaddq_s16((sum), vmulq_s16((a), vdupq_n_s16(vget_lane_s16((v), (lane)))))
#define vmlaq_lane_s32(sum, a, v, lane) vaddq_s32((sum), vmulq_s32((a), vdupq_n_s32(vget_lane_s32((v), (lane)))))
#define vmlaq_lane_f32(sum, a, v, lane) vaddq_f32((sum), vmulq_f32((a), vdupq_n_f32(vget_lane_f32((v), (lane)))))
#define vmlsq_lane_s32(sum, a, v, lane) vsubq_s32((sum), vmulq_s32((a), vdupq_n_s32(vget_lane_s32((v), (lane)))))

static inline void vst1_u8_x2(uint8_t *to, uint8x8x2_t v) {
  for (int i = 0; i < 2; i++) vst1_u8(to + 8 * i, v.val[i]);
}

static inline void vst1_u8_x4(uint8_t *to, uint8x8x4_t v) {
  for (int i = 0; i < 4; i++) vst1_u8(to + 8 * i, v.val[i]);
}

static inline void vst1q_u16_x2(uint16_t *to, uint16x8x2_t v) {
  for (int i = 0; i < 2; i++) vst1q_u16(to + 8 * i, v.val[i]);
}

static inline void vst1q_u16_x4(uint16_t *to, uint16x8x4_t v) {
  for (int i = 0; i < 4; i++) vst1q_u16(to + 8 * i, v.val[i]);
}

static inline uint16x8_t vabal_u8(uint16x8_t sum, uint8x8_t a, uint8x8_t b) { return vaddq_u16(sum, vabdl_u8(a, b)); }

static inline uint32x4_t vabal_u16(uint32x4_t sum, uint16x4_t a, uint16x4_t b) {
  return vaddq_u32(sum, vabdl_u16(a, b));
}

/* One value shifted left, saturating, or right (a negative shift), rounding. */
static inline int32_t vitrine_qrshl(int32_t value, int32_t by) {
  const int shift = (int8_t)by;
  if (shift < 0) {
    return -shift >= 32 ? 0 : (int32_t)(((int64_t)value + ((int64_t)1 << (-shift - 1))) >> -shift);
  }
  if (value == 0) return 0;
  if (shift > 31) return value < 0 ? INT32_MIN : INT32_MAX;
  const int64_t wide = (int64_t)value * ((int64_t)1 << shift);
  return wide > INT32_MAX ? INT32_MAX : wide < INT32_MIN ? INT32_MIN : (int32_t)wide;
}

static inline int32x4_t vqrshlq_s32(int32x4_t values, int32x4_t by) {
  int32_t value[4], shift[4];
  vst1q_s32(value, values);
  vst1q_s32(shift, by);
  for (int i = 0; i < 4; i++) value[i] = vitrine_qrshl(value[i], shift[i]);
  return vld1q_s32(value);
}

#endif
