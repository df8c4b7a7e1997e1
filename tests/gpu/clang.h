// What clang's NVPTX back end needs to know to read src/MambaExt.Kernels/Cuda/Sources without any header of CUDA: a second opinion on
// the language and on the instructions that come out. Functions of CUDA's mathematics library stay declarations.
#define __device__ __attribute__((device))
#define __global__ __attribute__((global))
#define __host__ __attribute__((host))
#define __shared__ __attribute__((shared))
#define __constant__ __attribute__((constant))
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#define __align__(bytes) __attribute__((aligned(bytes)))
#define __launch_bounds__(...) __attribute__((launch_bounds(__VA_ARGS__)))

// Reading a field reads the register.
struct BlockNumber { __declspec(property(get = read_x)) unsigned x; __device__ static unsigned read_x() { return __nvvm_read_ptx_sreg_ctaid_x(); } };
struct BlockCount { __declspec(property(get = read_x)) unsigned x; __device__ static unsigned read_x() { return __nvvm_read_ptx_sreg_nctaid_x(); } };
struct BlockThreads { __declspec(property(get = read_x)) unsigned x; __device__ static unsigned read_x() { return __nvvm_read_ptx_sreg_ntid_x(); } };
struct ThreadNumber { __declspec(property(get = read_x)) unsigned x; __device__ static unsigned read_x() { return __nvvm_read_ptx_sreg_tid_x(); } };
extern __device__ BlockNumber blockIdx;
extern __device__ BlockCount gridDim;
extern __device__ BlockThreads blockDim;
extern __device__ ThreadNumber threadIdx;

// Barriers are known to the compiler; the last argument of a shuffle is the segment's size and the highest or lowest lane.
#define __syncthreads() __nvvm_bar_sync(0)
inline __device__ void __syncwarp(unsigned mask = 0xFFFFFFFFu) { __nvvm_bar_warp_sync(mask); }
#define SHUFFLE(name, how, last) \
    inline __device__ int name(unsigned mask, int value, int lane, int width = 32) { return __nvvm_shfl_sync_##how##_i32(mask, value, lane, ((32 - width) << 8) | last); } \
    inline __device__ float name(unsigned mask, float value, int lane, int width = 32) { return __nvvm_shfl_sync_##how##_f32(mask, value, lane, ((32 - width) << 8) | last); } \
    inline __device__ unsigned name(unsigned mask, unsigned value, int lane, int width = 32) { return static_cast<unsigned>(name(mask, static_cast<int>(value), lane, width)); } \
    inline __device__ double name(unsigned mask, double value, int lane, int width = 32) { \
        int halves[2]; \
        __builtin_memcpy(halves, &value, 8); \
        halves[0] = name(mask, halves[0], lane, width); \
        halves[1] = name(mask, halves[1], lane, width); \
        __builtin_memcpy(&value, halves, 8); \
        return value; \
    }
SHUFFLE(__shfl_sync, idx, 31)
SHUFFLE(__shfl_xor_sync, bfly, 31)
SHUFFLE(__shfl_up_sync, up, 0)
SHUFFLE(__shfl_down_sync, down, 31)
#undef SHUFFLE

inline __device__ float __uint_as_float(unsigned bits) { float value; __builtin_memcpy(&value, &bits, 4); return value; }
inline __device__ unsigned __float_as_uint(float value) { unsigned bits; __builtin_memcpy(&bits, &value, 4); return bits; }
template <typename V> inline __device__ V __ldg(const V* address) { return *address; }

// Of the mathematics library.
#define FUNCTION(name) \
    extern "C" __device__ double name(double); \
    extern "C" __device__ float name##f(float); \
    inline __device__ float name(float x) { return name##f(x); }
FUNCTION(exp)
FUNCTION(exp2)
FUNCTION(expm1)
FUNCTION(log)
FUNCTION(log2)
FUNCTION(log1p)
FUNCTION(sqrt)
FUNCTION(rsqrt)
FUNCTION(tanh)
FUNCTION(fabs)
#undef FUNCTION
inline __device__ float fmaf(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
inline __device__ float fma(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
inline __device__ double fma(double a, double b, double c) { return __builtin_fma(a, b, c); }
inline __device__ float fminf(float a, float b) { return __builtin_fminf(a, b); }
inline __device__ float fmaxf(float a, float b) { return __builtin_fmaxf(a, b); }
inline __device__ double fmin(double a, double b) { return __builtin_fmin(a, b); }
inline __device__ double fmax(double a, double b) { return __builtin_fmax(a, b); }
template <typename V> inline __device__ V min(V a, V b) { return b < a ? b : a; }
template <typename V> inline __device__ V max(V a, V b) { return a < b ? b : a; }
