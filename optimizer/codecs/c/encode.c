#include "encode.h"

#include <stdlib.h>
#include <string.h>

#include "aom/aom_encoder.h"
#include "aom/aomcx.h"
#include "webp/encode.h"
#include "webp/mux.h"

/* Returned where memory ran out; the libraries' own codes are positive. */
#define OUT_OF_MEMORY -1

static int32_t keep(const void *from, size_t size, uint8_t **bytes, size_t *length) {
  *bytes = malloc(size);
  if (*bytes == NULL) return OUT_OF_MEMORY;
  memcpy(*bytes, from, size);
  *length = size;
  return 0;
}

/* Describes planes that stay where they are. */
static void wrap(aom_image_t *image, const struct vitrine_planes *planes) {
  const aom_img_fmt_t format = planes->u == NULL || planes->subsampled ? AOM_IMG_FMT_I420 : AOM_IMG_FMT_I444;
  aom_img_wrap(image, format, planes->width, planes->height, 1, (unsigned char *)planes->y);
  const int chroma_width = planes->subsampled ? (int)(planes->width + 1) / 2 : (int)planes->width;
  image->monochrome = planes->u == NULL;
  image->range = AOM_CR_FULL_RANGE;
  image->planes[AOM_PLANE_Y] = (unsigned char *)planes->y;
  image->planes[AOM_PLANE_U] = (unsigned char *)planes->u;
  image->planes[AOM_PLANE_V] = (unsigned char *)planes->v;
  image->stride[AOM_PLANE_Y] = (int)planes->width;
  image->stride[AOM_PLANE_U] = image->stride[AOM_PLANE_V] = planes->u == NULL ? 0 : chroma_width;
}

static aom_codec_err_t configure(aom_codec_ctx_t *codec, const struct vitrine_planes *planes, int32_t speed,
                                 int32_t quantizer, int is_shown) {
  aom_codec_enc_cfg_t config;
  aom_codec_err_t error = aom_codec_enc_config_default(aom_codec_av1_cx(), &config, AOM_USAGE_ALL_INTRA);
  if (error != AOM_CODEC_OK) return error;
  config.g_w = planes->width;
  config.g_h = planes->height;
  config.g_limit = 1;
  config.g_lag_in_frames = 0;
  config.g_threads = 1;
  config.g_profile = planes->u == NULL || planes->subsampled ? 0 : 1;
  config.monochrome = planes->u == NULL;
  config.rc_end_usage = AOM_Q;
  config.rc_min_quantizer = 1;
  config.rc_max_quantizer = 63;
  error = aom_codec_enc_init(codec, aom_codec_av1_cx(), &config, 0);
  if (error != AOM_CODEC_OK) return error;
  /* The tuning first: it sets others, that what follows may change. */
  const struct {
    int control, value;
  } controls[] = {
      {AOME_SET_TUNING, AOM_TUNE_IQ},
      {AOME_SET_CPUUSED, speed},
      {AOME_SET_CQ_LEVEL, quantizer},
      {AV1E_SET_COLOR_RANGE, AOM_CR_FULL_RANGE},
      {AV1E_SET_COLOR_PRIMARIES, AOM_CICP_CP_BT_709},
      {AV1E_SET_TRANSFER_CHARACTERISTICS, AOM_CICP_TC_SRGB},
      {AV1E_SET_MATRIX_COEFFICIENTS, AOM_CICP_MC_BT_601},
      /* The last filters change what is shown, not what is written. */
      {AV1E_SET_SKIP_POSTPROC_FILTERING, !is_shown},
  };
  for (size_t at = 0; at < sizeof controls / sizeof *controls && error == AOM_CODEC_OK; at++) {
    error = aom_codec_control(codec, controls[at].control, controls[at].value);
  }
  return error;
}

static void copy_rows(uint8_t *to, const aom_image_t *from, int plane, uint32_t width, uint32_t height) {
  for (uint32_t row = 0; row < height; row++) {
    memcpy(to + (size_t)row * width, from->planes[plane] + (ptrdiff_t)row * from->stride[plane], width);
  }
}

static int32_t show(aom_codec_ctx_t *codec, const struct vitrine_planes *planes, const struct vitrine_shown *shown) {
  const aom_image_t *image = aom_codec_get_preview_frame(codec);
  if (image == NULL || image->d_w != planes->width || image->d_h != planes->height) return AOM_CODEC_ERROR;
  copy_rows(shown->y, image, AOM_PLANE_Y, planes->width, planes->height);
  if (planes->u != NULL) {
    const uint32_t step = planes->subsampled ? 2 : 1;
    const uint32_t width = (planes->width + step - 1) / step, height = (planes->height + step - 1) / step;
    copy_rows(shown->u, image, AOM_PLANE_U, width, height);
    copy_rows(shown->v, image, AOM_PLANE_V, width, height);
  }
  return 0;
}

int32_t vitrine_av1(const struct vitrine_planes *planes, int32_t speed, int32_t quantizer,
                    const struct vitrine_shown *shown, uint8_t **bytes, size_t *length) {
  aom_codec_ctx_t codec;
  memset(&codec, 0, sizeof codec);
  aom_image_t image;
  memset(&image, 0, sizeof image);
  wrap(&image, planes);
  int32_t outcome = configure(&codec, planes, speed, quantizer, shown != NULL);
  if (outcome == AOM_CODEC_OK) outcome = aom_codec_encode(&codec, &image, 0, 1, 0);
  if (outcome == AOM_CODEC_OK) {
    /* Without lag the packet is there at once. */
    outcome = AOM_CODEC_ERROR;
    aom_codec_iter_t at = NULL;
    for (const aom_codec_cx_pkt_t *packet; (packet = aom_codec_get_cx_data(&codec, &at)) != NULL;) {
      if (packet->kind == AOM_CODEC_CX_FRAME_PKT) {
        outcome = keep(packet->data.frame.buf, packet->data.frame.sz, bytes, length);
        break;
      }
    }
  }
  if (outcome == 0 && shown != NULL) outcome = show(&codec, planes, shown);
  if (codec.iface != NULL) aom_codec_destroy(&codec);
  return outcome;
}

int32_t vitrine_webp(const uint8_t *pixels, int32_t channels, uint32_t width, uint32_t height, int32_t lossless,
                     float quality, int32_t method, uint8_t **bytes, size_t *length) {
  WebPConfig config;
  WebPPicture picture;
  if (!WebPConfigInit(&config) || !WebPPictureInit(&picture)) return VP8_ENC_ERROR_INVALID_CONFIGURATION;
  config.quality = quality;
  config.method = method;
  config.lossless = lossless;
  if (!WebPValidateConfig(&config)) return VP8_ENC_ERROR_INVALID_CONFIGURATION;

  WebPMemoryWriter writer;
  WebPMemoryWriterInit(&writer);
  picture.use_argb = lossless;
  picture.width = (int)width;
  picture.height = (int)height;
  picture.writer = WebPMemoryWrite;
  picture.custom_ptr = &writer;
  const int stride = (int)width * channels;
  const int taken = channels == 4 ? WebPPictureImportRGBA(&picture, pixels, stride)
                                  : WebPPictureImportRGB(&picture, pixels, stride);
  int32_t outcome = 0;
  if (!taken) {
    outcome = OUT_OF_MEMORY;
  } else if (!WebPEncode(&config, &picture)) {
    outcome = picture.error_code;
  } else {
    outcome = keep(writer.mem, writer.size, bytes, length);
  }
  WebPPictureFree(&picture);
  WebPMemoryWriterClear(&writer);
  return outcome;
}

struct vitrine_animation {
  WebPAnimEncoder *encoder;
  WebPConfig config;
  WebPPicture picture;
};

struct vitrine_animation *vitrine_animation_begin(uint32_t width, uint32_t height, uint32_t loops, int32_t lossless,
                                                  float quality, int32_t method) {
  struct vitrine_animation *animation = calloc(1, sizeof *animation);
  if (animation == NULL) return NULL;
  WebPAnimEncoderOptions options;
  if (WebPAnimEncoderOptionsInit(&options) && WebPConfigInit(&animation->config) &&
      WebPPictureInit(&animation->picture)) {
    options.anim_params.loop_count = (int)loops;
    options.allow_mixed = !lossless;
    animation->config.lossless = lossless;
    animation->config.quality = quality;
    animation->config.method = method;
    animation->picture.use_argb = 1;
    animation->picture.width = (int)width;
    animation->picture.height = (int)height;
    if (WebPValidateConfig(&animation->config)) {
      animation->encoder = WebPAnimEncoderNew((int)width, (int)height, &options);
    }
  }
  if (animation->encoder == NULL) {
    vitrine_animation_free(animation);
    return NULL;
  }
  return animation;
}

int32_t vitrine_animation_add(struct vitrine_animation *animation, const uint8_t *pixels, int32_t at_ms) {
  WebPPicture *picture = &animation->picture;
  if (!WebPPictureImportRGBA(picture, pixels, picture->width * 4)) return OUT_OF_MEMORY;
  if (WebPAnimEncoderAdd(animation->encoder, picture, at_ms, &animation->config)) return 0;
  return picture->error_code == VP8_ENC_OK ? VP8_ENC_ERROR_INVALID_CONFIGURATION : (int32_t)picture->error_code;
}

int32_t vitrine_animation_end(struct vitrine_animation *animation, int32_t at_ms, uint8_t **bytes, size_t *length) {
  WebPData file;
  WebPDataInit(&file);
  int32_t outcome = VP8_ENC_ERROR_INVALID_CONFIGURATION;
  /* A call without a picture says when the last one ends. */
  if (WebPAnimEncoderAdd(animation->encoder, NULL, at_ms, NULL) && WebPAnimEncoderAssemble(animation->encoder, &file)) {
    outcome = keep(file.bytes, file.size, bytes, length);
  }
  WebPDataClear(&file);
  return outcome;
}

void vitrine_animation_free(struct vitrine_animation *animation) {
  if (animation == NULL) return;
  WebPAnimEncoderDelete(animation->encoder);
  WebPPictureFree(&animation->picture);
  free(animation);
}

void vitrine_free(uint8_t *bytes) { free(bytes); }
