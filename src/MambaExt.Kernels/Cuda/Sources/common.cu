// What every source begins with: element types, arithmetic and the few words that a stand-in for the GPU must define itself.
// Nothing is included: a user has a driver and a compiler library, but no toolkit. Who compiles this elsewhere defines
// MAMBAEXT_STAND_IN and brings thread numbers, barriers, shuffles and SHARED_MEMORY.

#ifdef __CUDACC_RTC__
// An instance needs a part of a source's constants only.
#pragma nv_diag_suppress 177
#endif

typedef unsigned short u16;
typedef unsigned int u32;
typedef long long i64;

// Sequences may be 16 bits wide: storage only, computed with in float.
struct bf16 { u16 bits; };
struct f16 { u16 bits; };

// What a type is computed in, and what parameters and states beside it are: float, or double beside double.
template <typename T> struct Wide { typedef float type; };
template <> struct Wide<double> { typedef double type; };

#ifndef MAMBAEXT_STAND_IN
// Dynamic shared memory of a block, as an array of `type`.
#define SHARED_MEMORY(type, name) \
    extern __shared__ __align__(16) unsigned char shared_memory[]; \
    type* name = reinterpret_cast<type*>(shared_memory)

__device__ __forceinline__ float half_to_float(u16 bits) {
    float value;
    asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(bits));
    return value;
}

__device__ __forceinline__ u16 float_to_half(float value) {
    u16 bits;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(value));
    return bits;
}

// 2^x with 2 units in the last place; below the smallest normal number it is 0.
__device__ __forceinline__ float fast_exp2(float x) {
    float value;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(value) : "f"(x));
    return value;
}

// The same number, of which the compiler knows nothing: what follows from it is computed where it stands, instead of before the loop around
// it, where it would take registers all the while.
__device__ __forceinline__ int pinned(int value) {
    asm volatile("" : "+r"(value));
    return value;
}
#else
__device__ __forceinline__ int pinned(int value) { return value; }
#endif

__device__ __forceinline__ float load(const float* p) { return *p; }
__device__ __forceinline__ double load(const double* p) { return *p; }
__device__ __forceinline__ float load(const bf16* p) { return __uint_as_float(static_cast<u32>(p->bits) << 16); }
__device__ __forceinline__ float load(const f16* p) { return half_to_float(p->bits); }

__device__ __forceinline__ void store(float* p, float value) { *p = value; }
__device__ __forceinline__ void store(double* p, double value) { *p = value; }
__device__ __forceinline__ void store(f16* p, float value) { p->bits = float_to_half(value); }

// To nearest, ties to even; what is no number stays none.
__device__ __forceinline__ void store(bf16* p, float value) {
    u32 bits = __float_as_uint(value);
    p->bits = value != value ? static_cast<u16>((bits >> 16) | 0x40u)
                             : static_cast<u16>((bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16);
}

// 2^x. Rates are multiplied by log2(e) once, so that a decay costs one instruction.
__device__ __forceinline__ float exp2_of(float x) { return fast_exp2(x); }
__device__ __forceinline__ double exp2_of(double x) { return exp2(x); }

template <typename R> __device__ __forceinline__ R log2e() { return R(1.4426950408889634); }

// softplus(x) = log(1 + e^x), and its derivative; above 20 it is x, as in every published implementation.
template <typename R> __device__ __forceinline__ R softplus(R x) { return x > R(20) ? x : log1p(exp(x)); }
template <typename R> __device__ __forceinline__ R sigmoid(R x) { return R(1) / (R(1) + exp(-x)); }
