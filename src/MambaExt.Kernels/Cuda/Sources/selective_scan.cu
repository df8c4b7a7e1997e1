// The selective scan on a GPU: what its kernels share. Channels lie next to each other in memory, so a block works on 32 neighbouring
// channels of one group of one batch entry (or of one piece of its L), and B and C are read once a block.
//
// Two mappings alternate. For what is done once an element (loads, softplus, gate, stores) a warp takes a row of 32 channels: every access is
// coalesced. For the recurrence a channel has K lanes of NT states each, in registers: K NT states in a pass, several passes where N is
// larger. Rows pass from one mapping to the other through shared memory, a tile of steps at a time.
//
// Why K = 4, NT = 4 at N = 16: with a lane a channel, 8 x 1536 channels are 384 warps, fewer than the 528 schedulers of an H100; with four
// lanes they are 384 blocks of 4 warps, 2.9 a multiprocessor (97 % of three), and the softplus is still computed once, in the other mapping.
//
// Positions count in processing order: position i lies in row L - 1 - i where the scan is reversed.

enum { BLOCK_CHANNELS = 32 };

struct ScanSizes {
    i64 batch, length;
    i64 segments, segment_steps;        // pieces of L that run side by side, and their positions
    int channels, states, groups;
    int group_channels, group_blocks;   // channels of a group, and the blocks they take
    int passes;                         // times K NT states
    int checkpoint_steps;               // a power of 2
    int per_position_b, per_position_c; // otherwise constant [D, N]
    int softplus, reverse, return_states;
};

template <typename T> struct ScanInputs {
    typedef typename Wide<T>::type R;
    const T* u;
    i64 u_stride;
    const T* delta;
    i64 delta_stride;
    const R* a;
    const void* b;                      // T a position, R where constant
    i64 b_stride;
    const void* c;
    i64 c_stride;
    const T* z;
    i64 z_stride;
    const R* d;
    const R* bias;
    const R* initial;
    const int* sequence;
};

template <typename T> struct ScanOutputs {
    typedef typename Wide<T>::type R;
    T* out;
    i64 out_stride;
    R* last;
    R* checkpoints;                     // states before positions 1, 2, ... times checkpoint_steps, [B, (L - 1) / checkpoint_steps, N, D]
};

// The channels of a block.
struct ScanBlock { int group, index, first, count; };

__device__ __forceinline__ ScanBlock scan_block(const ScanSizes& s, i64 block) {
    ScanBlock place;
    place.group = static_cast<int>(block / s.group_blocks);
    place.index = static_cast<int>(block % s.group_blocks);
    int within = place.index * BLOCK_CHANNELS;
    place.first = place.group * s.group_channels + within;
    place.count = min(s.group_channels - within, static_cast<int>(BLOCK_CHANNELS));
    return place;
}

__device__ __forceinline__ i64 scan_row(const ScanSizes& s, i64 batch, i64 i) {
    return batch * s.length + (s.reverse ? s.length - 1 - i : i);
}

// Number of the checkpoint before position i > 0.
__device__ __forceinline__ i64 scan_checkpoint(const ScanSizes& s, i64 batch, i64 i) {
    return batch * ((s.length - 1) / s.checkpoint_steps) + i / s.checkpoint_steps - 1;
}

// Whether a packed sequence begins at position i, so that nothing of what came before reaches it.
__device__ __forceinline__ int scan_begins(const ScanSizes& s, const int* sequence, i64 batch, i64 i) {
    return sequence != nullptr && i > 0 && i < s.length && sequence[scan_row(s, batch, i)] != sequence[scan_row(s, batch, i - 1)];
}

template <typename R> __device__ __forceinline__ R scan_step(const ScanSizes& s, R raw) { return s.softplus ? softplus(raw) : raw; }

__device__ __forceinline__ float lane_xor(float value, int mask) { return __shfl_xor_sync(0xFFFFFFFFu, value, mask); }

__device__ __forceinline__ double lane_xor(double value, int mask) {
    union { double whole; int half[2]; } bits;
    bits.whole = value;
    bits.half[0] = __shfl_xor_sync(0xFFFFFFFFu, bits.half[0], mask);
    bits.half[1] = __shfl_xor_sync(0xFFFFFFFFu, bits.half[1], mask);
    return bits.whole;
}

// COUNT sums over LANES lanes that lie STRIDE apart, in COUNT - COUNT / LANES shuffles: lane `index` of them ends with the sums of values
// index COUNT / LANES and following, at the front of v.
template <int COUNT, int LANES, int STRIDE, typename R> __device__ __forceinline__ void sum_apart(R* v, int index) {
    if constexpr (LANES > 1) {
        constexpr int HALF = COUNT / 2;
        bool upper = (index & (LANES / 2)) != 0;
#pragma unroll
        for (int i = 0; i < HALF; i++) {
            R mine = upper ? v[HALF + i] : v[i];
            R other = upper ? v[i] : v[HALF + i];
            v[i] = mine + lane_xor(other, LANES / 2 * STRIDE);
        }

        sum_apart<HALF, LANES / 2, STRIDE>(v, index);
    }
}

// The states of one lane, read and written at once in shared memory.
template <typename R, int NT> struct alignas(16) States { R v[NT]; };

// What the recurrence needs of an element.
template <typename R> struct alignas(2 * sizeof(R)) Pair { R dt, x; };

// A lane's part of a channel: NT neighbouring states, `left` of which exist.
template <int NT, int K> struct ScanLane {
    int warp, lane;     // of the mapping by rows: the channel is the lane
    int channel, part;  // of the recurrence: channel within the block, which NT states of a pass
    bool live;          // the channel exists

    __device__ __forceinline__ ScanLane(const ScanBlock& block, int thread) {
        warp = thread / 32;
        lane = thread % 32;
        channel = warp * (32 / K) + lane / K;
        part = lane % K;
        live = channel < block.count;
    }

    __device__ __forceinline__ int first(int pass) const { return (pass * K + part) * NT; }

    __device__ __forceinline__ int left(const ScanSizes& s, int pass) const { return live ? s.states - first(pass) : 0; }
};

// NT values `stride` apart; those that do not exist are 0.
template <int NT, typename R> __device__ __forceinline__ void load_states(R (&h)[NT], const R* from, i64 stride, int left) {
#pragma unroll
    for (int n = 0; n < NT; n++) {
        h[n] = n < left ? from[n * stride] : R(0);
    }
}

template <int NT, typename R> __device__ __forceinline__ void store_states(const R (&h)[NT], R* to, i64 stride, int left) {
#pragma unroll
    for (int n = 0; n < NT; n++) {
        if (n < left) {
            to[n * stride] = h[n];
        }
    }
}

// Constant [D, N], or the state of an entry [D, N]; null is 0.
template <int NT, int K, typename R>
__device__ __forceinline__ void load_parameter(R (&h)[NT], const R* from, const ScanSizes& s, const ScanLane<NT, K>& lane, const ScanBlock& block, int pass) {
    i64 at = static_cast<i64>(block.first + lane.channel) * s.states + lane.first(pass);
    load_states(h, from + at, 1, from == nullptr ? 0 : lane.left(s, pass));
}

// A times log2(e), finite where A is minus infinity: a step of 0 (beyond the end) then keeps the state, instead of 0 times infinity.
template <int NT, int K, typename R>
__device__ __forceinline__ void load_rates(R (&a)[NT], const R* from, const ScanSizes& s, const ScanLane<NT, K>& lane, const ScanBlock& block, int pass) {
    load_parameter(a, from, s, lane, block, pass);
#pragma unroll
    for (int n = 0; n < NT; n++) {
        a[n] *= log2e<R>();
        a[n] = a[n] < R(-1e38) ? R(-1e38) : a[n];
    }
}

// Where a lane's states lie in the workspace or the checkpoints, [..., N, D]; their stride is D.
template <int NT, int K>
__device__ __forceinline__ i64 state_offset(const ScanSizes& s, i64 index, const ScanLane<NT, K>& lane, const ScanBlock& block, int pass) {
    return (index * s.states + lane.first(pass)) * s.channels + block.first + lane.channel;
}

template <int NT, typename R> __device__ __forceinline__ void read_states(R (&h)[NT], const R* shared) {
    States<R, NT> all = *reinterpret_cast<const States<R, NT>*>(shared);
#pragma unroll
    for (int n = 0; n < NT; n++) {
        h[n] = all.v[n];
    }
}

template <int NT, typename R> __device__ __forceinline__ void write_states(const R (&h)[NT], R* shared) {
    States<R, NT> all;
#pragma unroll
    for (int n = 0; n < NT; n++) {
        all.v[n] = h[n];
    }

    *reinterpret_cast<States<R, NT>*>(shared) = all;
}

// h = e h + x b, from zero where a sequence begins. Leaves the decays.
template <int NT, typename R>
__device__ __forceinline__ void scan_advance(R (&h)[NT], R (&e)[NT], const R (&a)[NT], const R (&b)[NT], const Pair<R>& step, bool begins) {
#pragma unroll
    for (int n = 0; n < NT; n++) {
        e[n] = exp2_of(step.dt * a[n]);
        h[n] = e[n] * h[n] + step.x * b[n];
        if (begins) {
            e[n] = R(0);
            h[n] = step.x * b[n];
        }
    }
}
