# clang for WebAssembly, with the headers of wasi-libc (WASI_INCLUDE) and of SIMDe (SIMDE, which has the folder simde).
# Rust brings the C library itself.
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR wasm32)
# There is nothing to link a test program with.
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
# CMake reads this file again for each test program.
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES WASI_INCLUDE SIMDE)

set(flags "--target=wasm32-wasi -msimd128 -isystem ${CMAKE_CURRENT_LIST_DIR} -isystem ${WASI_INCLUDE}")
string(APPEND flags " -isystem ${SIMDE}")
set(CMAKE_C_FLAGS_INIT "${flags}")
set(CMAKE_CXX_FLAGS_INIT "${flags}")
