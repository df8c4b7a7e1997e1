// Runs the kernels of src/MambaExt.Kernels/Cuda/Sources on a CPU. Each CUDA thread of a block is a fibre; barriers and warp shuffles are the
// points where fibres change. Blocks run one after another. It computes what a GPU computes and is strict where a GPU is silent:
//   - a barrier or shuffle that some thread does not reach is an error, as is one reached on different lines;
//   - shared memory holds NaN when a block begins, and dynamic shared memory ends where its last byte does;
//   - an access outside memory is an error that names kernel, block, thread and address;
//   - blocks, warps and lanes can run in the opposite order, which shows what depends on an order.
// The program that compiles it adds, after the kernels, EMULATED_KERNELS_BEGIN EMULATED_KERNEL(name<arguments>) ... EMULATED_KERNELS_END.
#include <errno.h>
#include <link.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

#define __global__
#define __device__
#define __host__
#define __constant__ const
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#define __restrict__ __restrict
#define __launch_bounds__(...)
#define __align__(bytes) __attribute__((aligned(bytes)))
// AddressSanitizer sees overruns of static arrays, but not of thread-local ones; these can all be filled with NaN.
#if defined(__SANITIZE_ADDRESS__)
#define __shared__ static
#else
#define __shared__ thread_local
#endif

struct EmulatedIndex { unsigned x, y, z; };

namespace emulator {

constexpr int WarpSize = 32;
constexpr int MostThreads = 1024;
constexpr unsigned EveryLane = 0xFFFFFFFFu;
#if defined(__SANITIZE_ADDRESS__)
constexpr size_t StackBytes = 512 * 1024;
#else
constexpr size_t StackBytes = 128 * 1024;
#endif

// Where a thread stands: a meeting is a barrier of the block, a barrier of the warp or a shuffle.
enum class Meeting { None, Block, Warp, Shuffle };

struct Fibre {
    void* place[5];
    ucontext_t context;
    char* stack;
    bool started;
    void* fake_stack;
    Meeting meeting;
    int line;
    unsigned mask;      // lanes that take part
    int source;         // lane to read from
    uint64_t value;     // what this lane gives, then what it gets
};

struct Warp {
    unsigned live, ready, waiting, at_barrier;
};

struct State {
    Fibre main;
    Fibre fibres[MostThreads];
    Warp warps[MostThreads / WarpSize];
    void (*kernel)(const void*);
    const void* arguments;
    const char* name;
    int threads, warp_count, current, warp;
    bool reverse, failed;
    char* message;
    int message_bytes;
    void* shared;
    pthread_t owner;
    volatile sig_atomic_t running;
    const void* main_bottom;
    size_t main_size;
};

static State* const state = static_cast<State*>(calloc(1, sizeof(State)));
static EmulatedIndex thread_index, block_index, block_size, grid_size;
#if !defined(__SANITIZE_ADDRESS__)
static thread_local char shared_begin;
#endif

// Compiler intrinsics rather than _longjmp, which AddressSanitizer replaces by one that forgets the red zones of the fibre left behind.
__attribute__((noinline, noreturn, no_sanitize("address"))) static void leap(void** place) { __builtin_longjmp(place, 1); }

__attribute__((noinline, no_sanitize("address"))) static void change(Fibre* from, Fibre* to) {
    if (__builtin_setjmp(from->place) == 0) {
#if defined(__SANITIZE_ADDRESS__)
        bool back = to == &state->main;
        __sanitizer_start_switch_fiber(&from->fake_stack, back ? state->main_bottom : to->stack, back ? state->main_size : StackBytes);
#endif
        if (to->started) {
            leap(to->place);
        }

        to->started = true;
        setcontext(&to->context);
        abort();
    }
}

static void enter(Fibre* self) {
    thread_index.x = static_cast<unsigned>(self - state->fibres);
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(self->fake_stack, nullptr, nullptr);
#else
    (void)self;
#endif
}

// Back to the launch; the fibres are left as they stand.
__attribute__((noreturn)) static void leave(Fibre* self) {
    change(self, &state->main);
    abort();
}

__attribute__((noreturn, format(printf, 1, 2))) static void fail(const char* format, ...) {
    int used = snprintf(state->message, state->message_bytes, "%s, block %u of %u: ", state->name, block_index.x, grid_size.x);
    if (used >= 0 && used < state->message_bytes) {
        va_list list;
        va_start(list, format);
        vsnprintf(state->message + used, state->message_bytes - used, format, list);
        va_end(list);
    }

    state->failed = true;
    leave(&state->fibres[state->current]);
}

static int first_of(unsigned lanes) { return state->reverse ? 31 - __builtin_clz(lanes) : __builtin_ctz(lanes); }

static const char* words(const Fibre& fibre, bool live, char* buffer, size_t bytes) {
    const char* what = fibre.meeting == Meeting::Block ? "__syncthreads" : fibre.meeting == Meeting::Warp ? "__syncwarp" : "a shuffle";
    if (!live) {
        return "has returned";
    }

    snprintf(buffer, bytes, "waits at %s, line %d", what, fibre.line);
    return buffer;
}

__attribute__((noreturn)) static void fail_pair(const char* what, int one, int other) {
    char first[64], second[64];
    auto live = [](int t) { return ((state->warps[t / WarpSize].live >> (t % WarpSize)) & 1u) != 0; };
    fail("%s: thread %d %s, thread %d %s", what, one, words(state->fibres[one], live(one), first, sizeof first), other,
         words(state->fibres[other], live(other), second, sizeof second));
}

// Releases the lanes of one meeting within the warp; a lane of its mask that is elsewhere is an error, for no other lane can move.
static void meet_in_warp(int w) {
    Warp& warp = state->warps[w];
    unsigned left = warp.waiting;
    while (left != 0) {
        Fibre* lanes = state->fibres + w * WarpSize;
        int first = first_of(left);
        unsigned mask = lanes[first].mask;
        for (int lane = 0; lane < WarpSize; lane++) {
            if (((mask >> lane) & 1u) == 0) {
                continue;
            }

            bool here = ((warp.waiting >> lane) & 1u) != 0 && lanes[lane].meeting == lanes[first].meeting && lanes[lane].line == lanes[first].line
                && lanes[lane].mask == mask;
            if (!here) {
                fail_pair("the lanes of a warp do not meet", w * WarpSize + first, w * WarpSize + lane);
            }
        }

        if (lanes[first].meeting == Meeting::Shuffle) {
            uint64_t given[WarpSize];
            for (int lane = 0; lane < WarpSize; lane++) {
                given[lane] = lanes[lane].value;
            }

            for (int lane = 0; lane < WarpSize; lane++) {
                if (((mask >> lane) & 1u) != 0) {
                    int source = lanes[lane].source;
                    if (((mask >> source) & 1u) == 0) {
                        fail("thread %d shuffles from lane %d, which is not in its mask %08x, line %d", w * WarpSize + lane, source, mask,
                             lanes[lane].line);
                    }

                    lanes[lane].value = given[source];
                }
            }
        }

        warp.waiting &= ~mask;
        warp.ready |= mask;
        left &= ~mask;
    }
}

static void meet_in_block() {
    int first = -1, other = -1, gone = -1;
    for (int t = 0; t < state->threads; t++) {
        if (((state->warps[t / WarpSize].live >> (t % WarpSize)) & 1u) == 0) {
            gone = gone < 0 ? t : gone;
        } else if (first < 0) {
            first = t;
        } else if (state->fibres[t].line != state->fibres[first].line) {
            other = t;
        }
    }

    if (gone >= 0 || other >= 0) {
        fail_pair("not every thread reaches __syncthreads", first, gone >= 0 ? gone : other);
    }

    for (int w = 0; w < state->warp_count; w++) {
        state->warps[w].ready = state->warps[w].at_barrier;
        state->warps[w].at_barrier = 0;
    }
}

// The thread to run next: of this warp as long as one can, then of the others. -1 where all have returned.
static int next_thread() {
    for (;;) {
        for (int step = 0; step < state->warp_count; step++) {
            int w = state->warp;
            Warp& warp = state->warps[w];
            if (warp.ready == 0 && warp.waiting != 0) {
                meet_in_warp(w);
            }

            if (warp.ready != 0) {
                int lane = first_of(warp.ready);
                warp.ready &= ~(1u << lane);
                return w * WarpSize + lane;
            }

            state->warp = state->reverse ? (w == 0 ? state->warp_count - 1 : w - 1) : (w == state->warp_count - 1 ? 0 : w + 1);
        }

        bool any = false;
        for (int w = 0; w < state->warp_count; w++) {
            any |= state->warps[w].at_barrier != 0;
        }

        if (!any) {
            return -1;
        }

        meet_in_block();
    }
}

// Gives the processor to the next thread; returns when it is this one's turn again.
static void yield() {
    Fibre* self = &state->fibres[state->current];
    int next = next_thread();
    if (next < 0) {
        leave(self);
    }

    if (next != state->current) {
        state->current = next;
        change(self, &state->fibres[next]);
        enter(self);
    }
}

__attribute__((noinline)) static void meet(Meeting meeting, int line, unsigned mask) {
    int t = state->current;
    Fibre& self = state->fibres[t];
    Warp& warp = state->warps[t / WarpSize];
    unsigned lane = 1u << (t % WarpSize);
    self.meeting = meeting;
    self.line = line;
    self.mask = mask;
    if (meeting != Meeting::Block && (mask & lane) == 0) {
        fail("thread %d is not in its own mask %08x, line %d", t, mask, line);
    }

    (meeting == Meeting::Block ? warp.at_barrier : warp.waiting) |= lane;
    yield();
}

template <typename V> static V shuffle(unsigned mask, V value, int source, int line) {
    static_assert(sizeof(V) == 4 || sizeof(V) == 8, "Shuffles take 4 or 8 bytes.");
    Fibre& self = state->fibres[state->current];
    self.value = 0;
    memcpy(&self.value, &value, sizeof(V));
    self.source = source;
    meet(Meeting::Shuffle, line, mask);
    memcpy(&value, &self.value, sizeof(V));
    return value;
}

static int lane() { return static_cast<int>(thread_index.x % WarpSize); }
static int group(int width) { return lane() & ~(width - 1); }

static void fibre_main() {
    Fibre* self = &state->fibres[state->current];
#if defined(__SANITIZE_ADDRESS__)
    const void* bottom;
    size_t size;
    __sanitizer_finish_switch_fiber(nullptr, &bottom, &size);
    if (state->main_bottom == nullptr) {
        state->main_bottom = bottom;
        state->main_size = size;
    }
#endif
    for (;;) {
        thread_index.x = static_cast<unsigned>(state->current);
        state->kernel(state->arguments);
        int t = state->current;
        state->warps[t / WarpSize].live &= ~(1u << (t % WarpSize));
        int next = next_thread();
        if (next >= 0) {
            state->current = next;
            if (next != t) {
                change(self, &state->fibres[next]);
            }
        } else {
            change(self, &state->main);
        }

        enter(self);
    }
}

static char* pages(size_t bytes) {
    void* address = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return address == MAP_FAILED ? nullptr : static_cast<char*>(address);
}

static bool prepare(Fibre& fibre) {
    size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    if (fibre.stack == nullptr) {
        char* memory = pages(StackBytes + page);
        if (memory == nullptr) {
            return false;
        }

        mprotect(memory, page, PROT_NONE);
        fibre.stack = memory + page;
    }

    getcontext(&fibre.context);
    fibre.context.uc_stack.ss_sp = fibre.stack;
    fibre.context.uc_stack.ss_size = StackBytes;
    fibre.context.uc_link = nullptr;
    makecontext(&fibre.context, fibre_main, 0);
    fibre.started = false;
    fibre.fake_stack = nullptr;
    return true;
}

#if !defined(__SANITIZE_ADDRESS__)
static int poison_statics(dl_phdr_info* info, size_t, void*) {
    char* begin = static_cast<char*>(info->dlpi_tls_data);
    for (int i = 0; begin != nullptr && i < info->dlpi_phnum; i++) {
        size_t bytes = info->dlpi_phdr[i].p_memsz;
        if (info->dlpi_phdr[i].p_type == PT_TLS && &shared_begin >= begin && &shared_begin < begin + bytes) {
            memset(begin, 0xFF, bytes);
            return 1;
        }
    }

    return 0;
}

static struct sigaction before[2];

// An access outside memory, by a kernel; anything else goes to who was there before.
static void on_fault(int number, siginfo_t* info, void* context) {
    if (state->running && pthread_equal(state->owner, pthread_self())) {
        fail("thread %u reaches %p, outside the memory it was given (signal %d)", thread_index.x, info->si_addr, number);
    }

    const struct sigaction& old = before[number == SIGBUS];
    if ((old.sa_flags & SA_SIGINFO) != 0) {
        old.sa_sigaction(number, info, context);
    } else if (old.sa_handler != SIG_DFL && old.sa_handler != SIG_IGN) {
        old.sa_handler(number);
    } else {
        signal(number, SIG_DFL);
    }
}

__attribute__((constructor)) static void watch_faults() {
    struct sigaction action = {};
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
    sigaction(SIGSEGV, &action, &before[0]);
    sigaction(SIGBUS, &action, &before[1]);
}
#endif

// Dynamic shared memory of a block, so placed that what lies behind its last byte (rounded up to 16) cannot be touched.
struct SharedMemory {
    char* map = nullptr;
    size_t room = 0, bytes;
    char* begin = nullptr;

    explicit SharedMemory(size_t size) : bytes(size) {
        if (size == 0) {
            return;
        }

        size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE)), aligned = (size + 15) / 16 * 16;
#if defined(__SANITIZE_ADDRESS__)
        (void)page, (void)aligned;
        void* memory = nullptr;
        begin = map = posix_memalign(&memory, 16, size) == 0 ? static_cast<char*>(memory) : nullptr;
#else
        room = (aligned + page - 1) / page * page + page;
        map = pages(room);
        if (map != nullptr) {
            mprotect(map + room - page, page, PROT_NONE);
            begin = map + room - page - aligned;
        }
#endif
    }

    ~SharedMemory() {
#if defined(__SANITIZE_ADDRESS__)
        free(map);
#else
        if (map != nullptr) {
            munmap(map, room);
        }
#endif
    }

    // 16 is the alignment of the rounded end, so up to 15 bytes behind the last are watched by their value.
    bool intact() const {
#if !defined(__SANITIZE_ADDRESS__)
        for (size_t i = bytes; i % 16 != 0; i++) {
            if (begin[i] != static_cast<char>(0xFF)) {
                return false;
            }
        }
#endif
        return true;
    }

    void poison() {
#if defined(__SANITIZE_ADDRESS__)
        size_t all = bytes;
#else
        size_t all = (bytes + 15) / 16 * 16;
#endif
        if (begin != nullptr) {
            memset(begin, 0xFF, all);
        }
    }
};

__attribute__((noinline)) static void run_block() {
    for (int w = 0; w < state->warp_count; w++) {
        state->warps[w] = Warp{EveryLane, EveryLane, 0, 0};
    }

    state->warp = state->reverse ? state->warp_count - 1 : 0;
    state->current = next_thread();
    state->main.started = true;
    change(&state->main, &state->fibres[state->current]);
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(state->main.fake_stack, nullptr, nullptr);
#endif
}

static int launch(const char* name, void (*kernel)(const void*), long long blocks, int threads, int shared_bytes, const void* arguments, int reverse,
                  char* message, int message_bytes) {
    SharedMemory shared(static_cast<size_t>(shared_bytes));
    state->kernel = kernel;
    state->arguments = arguments;
    state->name = name;
    state->threads = threads;
    state->warp_count = threads / WarpSize;
    state->reverse = reverse != 0;
    state->failed = false;
    state->message = message;
    state->message_bytes = message_bytes;
    state->shared = shared.begin;
    state->main_bottom = nullptr;
    block_size = EmulatedIndex{static_cast<unsigned>(threads), 1, 1};
    grid_size = EmulatedIndex{static_cast<unsigned>(blocks), 1, 1};
    for (int t = 0; t < threads; t++) {
        if (state->fibres[t].stack == nullptr && !prepare(state->fibres[t])) {
            snprintf(message, message_bytes, "%s: no memory for the stacks of %d threads", name, threads);
            return 1;
        }
    }

    state->owner = pthread_self();
    for (long long b = 0; b < blocks && !state->failed; b++) {
        block_index.x = static_cast<unsigned>(state->reverse ? blocks - 1 - b : b);
        shared.poison();
#if !defined(__SANITIZE_ADDRESS__)
        if (volatile char touch = shared_begin; (void)touch, true) {
            dl_iterate_phdr(poison_statics, nullptr);
        }
#endif
        state->running = 1;
        run_block();
        state->running = 0;
        if (!state->failed && !shared.intact()) {
            state->failed = true;
            snprintf(message, message_bytes, "%s, block %u of %u: wrote behind its %d bytes of shared memory", name, block_index.x, grid_size.x,
                     shared_bytes);
        }
    }

    if (state->failed) {
        for (int t = 0; t < threads; t++) {
            prepare(state->fibres[t]);
        }
    }

    return state->failed ? 1 : 0;
}

struct Kernel {
    const char* name;
    int argument_bytes;
    void (*invoke)(const void*);
};

template <auto K> struct Entry;
template <typename A, void (*K)(A)> struct Entry<K> {
    static constexpr int bytes = sizeof(A);
    static void invoke(const void* arguments) { K(*static_cast<const A*>(arguments)); }
};

}  // namespace emulator

#define threadIdx (emulator::thread_index)
#define blockIdx (emulator::block_index)
#define blockDim (emulator::block_size)
#define gridDim (emulator::grid_size)
#define warpSize 32
#define SHARED_MEMORY(type, name) type* name = static_cast<type*>(emulator::state->shared)

#define __syncthreads() emulator::meet(emulator::Meeting::Block, __LINE__, 0)
#define EMULATED_SYNCWARP(mask, ...) emulator::meet(emulator::Meeting::Warp, __LINE__, mask)
#define __syncwarp(...) EMULATED_SYNCWARP(__VA_ARGS__ __VA_OPT__(,) 0xFFFFFFFFu)
#define __shfl_sync(...) emulator::from_lane(__LINE__, __VA_ARGS__)
#define __shfl_xor_sync(...) emulator::from_xor(__LINE__, __VA_ARGS__)
#define __shfl_up_sync(...) emulator::from_below(__LINE__, __VA_ARGS__)
#define __shfl_down_sync(...) emulator::from_above(__LINE__, __VA_ARGS__)

namespace emulator {

template <typename V> static V from_lane(int line, unsigned mask, V value, int source, int width = WarpSize) {
    return shuffle(mask, value, group(width) + (source & (width - 1)), line);
}

template <typename V> static V from_xor(int line, unsigned mask, V value, int bits, int width = WarpSize) {
    int source = lane() ^ bits;
    return shuffle(mask, value, source >= group(width) + width ? lane() : source, line);
}

template <typename V> static V from_below(int line, unsigned mask, V value, unsigned distance, int width = WarpSize) {
    int source = lane() - static_cast<int>(distance);
    return shuffle(mask, value, source < group(width) ? lane() : source, line);
}

template <typename V> static V from_above(int line, unsigned mask, V value, unsigned distance, int width = WarpSize) {
    int source = lane() + static_cast<int>(distance);
    return shuffle(mask, value, source >= group(width) + width ? lane() : source, line);
}

}  // namespace emulator

template <typename V> static inline V __ldg(const V* address) { return *address; }

static inline float __uint_as_float(unsigned bits) { float value; memcpy(&value, &bits, 4); return value; }
static inline unsigned __float_as_uint(float value) { unsigned bits; memcpy(&bits, &value, 4); return bits; }
static inline float rsqrtf(float x) { return 1.0f / sqrtf(x); }
static inline float rsqrt(float x) { return 1.0f / sqrtf(x); }
static inline double rsqrt(double x) { return 1.0 / sqrt(x); }

template <typename V> static inline V min(V a, V b) { return b < a ? b : a; }
template <typename V> static inline V max(V a, V b) { return a < b ? b : a; }
static inline float min(float a, float b) { return fminf(a, b); }
static inline float max(float a, float b) { return fmaxf(a, b); }
static inline double min(double a, double b) { return fmin(a, b); }
static inline double max(double a, double b) { return fmax(a, b); }

static inline float half_to_float(unsigned short bits) {
    int exponent = (bits >> 10) & 31;
    int fraction = bits & 1023;
    float size = exponent == 31 ? (fraction == 0 ? INFINITY : NAN)
        : exponent == 0 ? ldexpf(static_cast<float>(fraction), -24) : ldexpf(static_cast<float>(fraction | 1024), exponent - 25);
    return (bits & 0x8000) != 0 ? -size : size;
}

// To nearest, ties to even: adding and subtracting a power of two lets the processor round at the last digit of a half.
static inline unsigned short float_to_half(float value) {
    unsigned sign = (__float_as_uint(value) >> 16) & 0x8000u;
    float size = fabsf(value);
    if (value != value) {
        return 0x7FFF;
    }

    if (size >= 65520.0f) {
        return static_cast<unsigned short>(sign | 0x7C00u);
    }

    if (size < 6.103515625e-5f) {
        volatile double shifted = static_cast<double>(size) * 16777216.0 + 6755399441055744.0;
        return static_cast<unsigned short>(sign | static_cast<unsigned>(shifted - 6755399441055744.0));
    }

    unsigned bits = __float_as_uint(size);
    bits += 0xFFFu + ((bits >> 13) & 1u);
    return static_cast<unsigned short>(sign | ((bits >> 13) - (112u << 10)));
}

static inline float fast_exp2(float x) {
    float value = exp2f(x);
    return value < 1.17549435e-38f ? 0.0f : value;
}

#define EMULATED_KERNELS_BEGIN static const emulator::Kernel emulated_kernels[] = {
#define EMULATED_KERNEL(...) {#__VA_ARGS__, emulator::Entry<(&__VA_ARGS__)>::bytes, &emulator::Entry<(&__VA_ARGS__)>::invoke},
#define EMULATED_KERNELS_END }; \
    extern "C" __attribute__((visibility("default"))) int emulated_argument_bytes(int kernel) { return emulated_kernels[kernel].argument_bytes; } \
    extern "C" __attribute__((visibility("default"))) int emulated_launch(int kernel, long long blocks, int threads, int shared_bytes, \
            const void* arguments, int reverse, char* message, int message_bytes) { \
        return emulator::launch(emulated_kernels[kernel].name, emulated_kernels[kernel].invoke, blocks, threads, shared_bytes, arguments, reverse, \
                                message, message_bytes); \
    }
