// Causal depthwise convolution of 2 to 4 taps, forward and backward.
//
// A thread has one channel and a chunk of consecutive steps in processing order; neighbouring threads have neighbouring channels, so
// every access is coalesced. The last W inputs stay in registers: each input is read once, but for the W-1 before a chunk. Inputs are
// loaded several steps ahead of their use. The bound is bytes.
// Backward computes the sum before the activation anew. A position's gradient is done W-1 steps later, so a thread looks that far beyond
// its chunk. Gradients of taps and bias are summed by chunk in registers, then by conv_sums over chunks, in the order of the chunks.

// What both directions read.
template <typename T> struct ConvInputs {
    typedef typename Wide<T>::type R;
    const T* x;             // [B, L, D], rows x_stride apart
    const R* weight;        // [D, W], oldest first
    const R* bias;          // [D] or null
    const R* initial;       // [B, W-1, D] or null
    const int* seq_idx;     // [B, L], read where Packed
    i64 x_stride, batch, length, channels;
    i64 chunks;             // of a batch entry; one even where L is 0
    i64 columns;            // blocks side by side over the channels
    int chunk_steps;
    int lanes;              // channels of a block, a power of two; the block's other threads have further chunks
    int silu, reverse;
};

template <typename T> struct ConvForward {
    typedef typename Wide<T>::type R;
    ConvInputs<T> in;
    T* out;                 // [B, L, D], rows out_stride apart
    R* final_states;        // [B, W-1, D] or null
    i64 out_stride;
};

template <typename T> struct ConvBackward {
    typedef typename Wide<T>::type R;
    ConvInputs<T> in;
    const T* dout;          // [B, L, D], rows dout_stride apart
    const R* dfinal;        // [B, W-1, D] or null
    T* dx;                  // [B, L, D], rows dx_stride apart, or null
    R* dinitial;            // [B, W-1, D] or null
    R* partials;            // [chunk, W + 1, D] or null: taps from the newest back, then bias
    i64 dout_stride, dx_stride;
};

// A thread's channel, batch entry and steps; where its inputs lie. Steps below 0 are the initial states.
template <typename T, int W, bool Packed> struct ConvThread {
    typedef typename Wide<T>::type R;
    i64 d, b, chunk, begin, end;
    bool works;

    __device__ __forceinline__ explicit ConvThread(const ConvInputs<T>& in) {
        i64 block = blockIdx.x;
        int row = threadIdx.x / in.lanes;
        d = block % in.columns * in.lanes + (threadIdx.x - row * in.lanes);
        chunk = block / in.columns * (blockDim.x / in.lanes) + row;
        b = chunk / in.chunks;
        begin = (chunk - b * in.chunks) * in.chunk_steps;
        end = begin + in.chunk_steps < in.length ? begin + in.chunk_steps : in.length;
        works = d < in.channels && b < in.batch;
    }

    // Row of a tensor [B, L, ...] in which step s lies.
    __device__ __forceinline__ i64 position(const ConvInputs<T>& in, i64 s) const {
        return b * in.length + (in.reverse ? in.length - 1 - s : s);
    }

    __device__ __forceinline__ i64 state(const ConvInputs<T>& in, i64 j) const { return (b * (W - 1) + j) * in.channels + d; }

    __device__ __forceinline__ R input(const ConvInputs<T>& in, i64 s) const {
        if (s >= 0) return load(in.x + position(in, s) * in.x_stride + d);
        return in.initial ? in.initial[state(in, s + W - 1)] : R(0);
    }

    __device__ __forceinline__ int sequence(const ConvInputs<T>& in, i64 s) const { return in.seq_idx[position(in, s)]; }

    // The inputs before the chunk, newest first; zero where they belong to another sequence than the newest. Returns how many do not.
    __device__ __forceinline__ int history(const ConvInputs<T>& in, R* window) const {
        int same = 0;
        bool joined = true;
        #pragma unroll
        for (int j = 1; j < W; j++) {
            if (Packed && j > 1 && begin - j >= 0) joined = joined && sequence(in, begin - j + 1) == sequence(in, begin - j);
            window[j - 1] = joined ? input(in, begin - j) : R(0);
            same += joined ? 1 : 0;
        }
        window[W - 1] = R(0);
        return same;
    }
};

// Taps from the newest back, and bias.
template <typename T, int W> __device__ __forceinline__ typename Wide<T>::type load_taps(
        const ConvInputs<T>& in, i64 d, typename Wide<T>::type* taps) {
    #pragma unroll
    for (int j = 0; j < W; j++) taps[j] = in.weight[d * W + (W - 1 - j)];
    return in.bias ? in.bias[d] : typename Wide<T>::type(0);
}

template <typename R, int W> __device__ __forceinline__ void push(R* window, R newest) {
    #pragma unroll
    for (int j = W - 1; j > 0; j--) window[j] = window[j - 1];
    window[0] = newest;
}

template <typename R, int W> __device__ __forceinline__ R tap_sum(const R* taps, const R* window, R bias) {
    R sum = bias;
    #pragma unroll
    for (int j = W - 1; j >= 0; j--) sum = fma(taps[j], window[j], sum);
    return sum;
}

template <typename R> __device__ __forceinline__ R fast_sigmoid(R x) { return R(1) / (R(1) + exp2_of(-x * log2e<R>())); }

template <typename T, int W, bool Packed>
__global__ void __launch_bounds__(128) conv_forward(ConvForward<T> a) {
    typedef typename Wide<T>::type R;
    constexpr int Ahead = 8;
    const ConvInputs<T>& in = a.in;
    ConvThread<T, W, Packed> thread(in);
    if (!thread.works) return;

    R taps[W], window[W];
    R bias = load_taps<T, W>(in, thread.d, taps);
    thread.history(in, window);
    int last_sequence = Packed && thread.end > 0 ? thread.sequence(in, thread.begin > 0 ? thread.begin - 1 : 0) : 0;
    i64 row = thread.position(in, thread.begin);
    i64 step = in.reverse ? -1 : 1;
    const T* x = in.x + row * in.x_stride + thread.d;
    T* out = a.out + row * a.out_stride + thread.d;
    const int* sequences = Packed ? in.seq_idx + row : 0;
    int steps = static_cast<int>(thread.end - thread.begin);
    for (int s = 0; s < steps; s += Ahead) {
        R next[Ahead];
        int next_sequence[Ahead];
        #pragma unroll
        for (int u = 0; u < Ahead; u++) {
            next[u] = s + u < steps ? load(x + u * (step * in.x_stride)) : R(0);
            if (Packed) next_sequence[u] = s + u < steps ? sequences[u * step] : 0;
        }
        #pragma unroll
        for (int u = 0; u < Ahead; u++) {
            if (Packed && next_sequence[u] != last_sequence) {
                #pragma unroll
                for (int j = 0; j < W; j++) window[j] = R(0);
                last_sequence = next_sequence[u];
            }
            push<R, W>(window, next[u]);
            R sum = tap_sum<R, W>(taps, window, bias);
            if (in.silu) sum *= fast_sigmoid(sum);
            if (s + u < steps) store(out + u * (step * a.out_stride), sum);
        }
        x += Ahead * (step * in.x_stride);
        out += Ahead * (step * a.out_stride);
        if (Packed) sequences += Ahead * step;
    }

    if (a.final_states && thread.end == in.length) {
        #pragma unroll
        for (int j = 0; j < W - 1; j++) a.final_states[thread.state(in, j)] = thread.input(in, in.length - (W - 1) + j);
    }
}

template <typename T, int W, bool Packed>
__global__ void __launch_bounds__(128) conv_backward(ConvBackward<T> a) {
    typedef typename Wide<T>::type R;
    constexpr int Ahead = 4;
    const ConvInputs<T>& in = a.in;
    ConvThread<T, W, Packed> thread(in);
    if (!thread.works) return;

    // waiting[j] is the gradient of the input j steps back, as far as it is known; sums has taps from the newest back, then bias.
    R taps[W], window[W], waiting[W], sums[W + 1];
    R bias = load_taps<T, W>(in, thread.d, taps);
    int reach = thread.history(in, window) - 1;
    int last_sequence = Packed && thread.end > 0 ? thread.sequence(in, thread.begin > 0 ? thread.begin - 1 : 0) : 0;
    #pragma unroll
    for (int j = 0; j <= W; j++) sums[j] = R(0);

    // The last W-1 inputs are also the final states. Where L is below W-1, some of these are initial states.
    i64 kept = in.length - (W - 1);
    #pragma unroll
    for (int j = 1; j < W; j++) {
        i64 p = thread.begin - j;
        waiting[j - 1] = a.dfinal && p < 0 && p >= kept ? a.dfinal[thread.state(in, p - kept)] : R(0);
    }
    waiting[W - 1] = R(0);

    i64 row = thread.position(in, thread.begin);
    i64 step = in.reverse ? -1 : 1;
    const T* x = in.x + row * in.x_stride + thread.d;
    const T* dout = a.dout + row * a.dout_stride + thread.d;
    const int* sequences = Packed ? in.seq_idx + row : 0;
    T* dx = a.dx + (row - step * (W - 1)) * a.dx_stride + thread.d;
    int steps = static_cast<int>(thread.end - thread.begin);
    i64 rest = in.length - thread.begin;
    int known = rest < steps + W - 1 ? static_cast<int>(rest) : steps + W - 1;
    for (int s = 0; s < steps + W - 1; s += Ahead) {
        R next[Ahead], arriving[Ahead];
        int next_sequence[Ahead];
        #pragma unroll
        for (int u = 0; u < Ahead; u++) {
            next[u] = s + u < known ? load(x + u * (step * in.x_stride)) : R(0);
            arriving[u] = s + u < known ? load(dout + u * (step * a.dout_stride)) : R(0);
            if (Packed) next_sequence[u] = s + u < known ? sequences[u * step] : 0;
        }
        #pragma unroll
        for (int u = 0; u < Ahead; u++) {
            int at = s + u;
            if (Packed) {
                bool joined = next_sequence[u] == last_sequence;
                last_sequence = next_sequence[u];
                reach = joined ? (reach < W - 1 ? reach + 1 : reach) : 0;
                #pragma unroll
                for (int j = 0; j < W; j++) window[j] = joined ? window[j] : R(0);
            }
            push<R, W>(window, next[u]);
            R g = arriving[u];
            if (in.silu) {
                R sum = tap_sum<R, W>(taps, window, bias);
                R gate = fast_sigmoid(sum);
                g *= gate * fma(sum, R(1) - gate, R(1));
            }
            if (at >= known) g = R(0);

            i64 p = thread.begin + at;
            push<R, W>(waiting, a.dfinal && p < in.length && p >= kept ? a.dfinal[thread.state(in, p - kept)] : R(0));
            #pragma unroll
            for (int j = 0; j < W; j++) {
                if (!Packed || j <= reach) waiting[j] = fma(taps[j], g, waiting[j]);
                if (at < steps) sums[j] = fma(g, window[j], sums[j]);
            }
            if (at < steps) sums[W] += g;

            p -= W - 1;
            if (at < steps + W - 1 && (at >= W - 1 || thread.begin == 0)) {
                if (p >= 0) {
                    if (a.dx) store(dx + u * (step * a.dx_stride), waiting[W - 1]);
                } else if (a.dinitial) {
                    a.dinitial[thread.state(in, p + W - 1)] = waiting[W - 1];
                }
            }
        }
        x += Ahead * (step * in.x_stride);
        dout += Ahead * (step * a.dout_stride);
        dx += Ahead * (step * a.dx_stride);
        if (Packed) sequences += Ahead * step;
    }

    if (a.partials) {
        #pragma unroll
        for (int j = 0; j <= W; j++) a.partials[(thread.chunk * (W + 1) + j) * in.channels + thread.d] = sums[j];
    }
}

template <typename R> struct ConvSums {
    const R* partials;      // [chunk, W + 1, D]
    R* dweight;             // [D, W] or null
    R* dbias;               // [D] or null
    i64 chunks, channels, columns, width;
};

// A block has 32 channels of one tap, or of the bias. Each of its eight warps adds every eighth chunk; their sums are added in their order.
template <typename R> __global__ void __launch_bounds__(256) conv_sums(ConvSums<R> a) {
    constexpr int Warps = 8;
    __shared__ R parts[Warps][32];
    i64 block = blockIdx.x;
    i64 tap = block / a.columns;
    int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
    i64 d = block % a.columns * 32 + lane;
    R sum = R(0);
    if (d < a.channels) {
        #pragma unroll 4
        for (i64 chunk = warp; chunk < a.chunks; chunk += Warps) sum += a.partials[(chunk * (a.width + 1) + tap) * a.channels + d];
    }
    parts[warp][lane] = sum;
    __syncthreads();
    if (warp != 0 || d >= a.channels) return;

    for (int w = 1; w < Warps; w++) sum += parts[w][lane];
    if (tap == a.width) {
        if (a.dbias) a.dbias[d] = sum;
    } else if (a.dweight) {
        a.dweight[d * a.width + (a.width - 1 - tap)] = sum;
    }
}
