// The gated mean of GatedGCN: y[v] = sum of g x[j] / (sum of g + 1e-6) over the arcs of v that point at j, g = sigmoid(target[v] + source[j]),
// channel by channel. Gates are computed again backward, so nothing belongs to an arc. Bound: bytes gathered.

template <typename T> struct CsrMean {
    typedef typename Wide<T>::type R;
    const i64* offsets;     // [V + 1]; of the gradients of source and x, the transpose's
    const int* columns;     // [E]
    const T* target;        // [V, C]
    const T* source;        // [columns, C]
    const T* x;             // [columns, C]
    const T* y;             // [V, C], of the gradients; so is share = dy / divisor
    const R* share;
    T* out;                 // y; dtarget; dsource
    T* also;                // of the gradient of source, dx
    R* divisor;             // [V, C]
    R* pieces;
    i64 rows, arc_count, channels;
    i64 column_blocks;      // side by side over the channels
    int lanes, unused;      // of a row, a power of two up to a warp
};

template <typename T> struct MeanOf {
    typedef typename Wide<T>::type R;
    enum { COUNT = 2 };
    const CsrMean<T>& a;
    i64 at, channel;
    R own;

    __device__ __forceinline__ MeanOf(const CsrMean<T>& arguments, i64 row, i64 of_channel)
        : a(arguments), at(row * a.channels + of_channel), channel(of_channel), own(load(a.target + at)) {}
    __device__ __forceinline__ void begin(R* sums) { sums[0] = sums[1] = R(0); }
    __device__ __forceinline__ void over(i64 begin, i64 end, R* sums) {
        #pragma unroll 4
        for (i64 e = begin; e < end; e++) {
            i64 from = a.columns[e] * a.channels + channel;
            R gate = sigmoid(own + load(a.source + from));
            sums[0] = fma(gate, load(a.x + from), sums[0]);
            sums[1] += gate;
        }
    }
    __device__ __forceinline__ void join(R* sums, const R* piece) {
        sums[0] += piece[0];
        sums[1] += piece[1];
    }
    __device__ __forceinline__ void finish(R* sums) {
        R divisor = sums[1] + R(1e-6);
        store(a.out + at, sums[0] / divisor);
        a.divisor[at] = divisor;
    }
};

// dtarget[v] = share[v] times the sum of (x[j] - y[v]) g (1 - g).
template <typename T> struct MeanTarget {
    typedef typename Wide<T>::type R;
    enum { COUNT = 1 };
    const CsrMean<T>& a;
    i64 at, channel;
    R own, mean;

    __device__ __forceinline__ MeanTarget(const CsrMean<T>& arguments, i64 row, i64 of_channel)
        : a(arguments), at(row * a.channels + of_channel), channel(of_channel), own(load(a.target + at)), mean(load(a.y + at)) {}
    __device__ __forceinline__ void begin(R* sum) { sum[0] = R(0); }
    __device__ __forceinline__ void over(i64 begin, i64 end, R* sum) {
        #pragma unroll 4
        for (i64 e = begin; e < end; e++) {
            i64 from = a.columns[e] * a.channels + channel;
            R gate = sigmoid(own + load(a.source + from));
            sum[0] = fma((load(a.x + from) - mean) * gate, R(1) - gate, sum[0]);
        }
    }
    __device__ __forceinline__ void join(R* sum, const R* piece) { sum[0] += piece[0]; }
    __device__ __forceinline__ void finish(R* sum) { store(a.out + at, sum[0] * a.share[at]); }
};

// Over the arcs that point at j: dsource[j], the same gradients, and dx[j] = sum of share[v] g.
template <typename T> struct MeanSource {
    typedef typename Wide<T>::type R;
    enum { COUNT = 2 };
    const CsrMean<T>& a;
    i64 at, channel;
    R own, value;

    __device__ __forceinline__ MeanSource(const CsrMean<T>& arguments, i64 row, i64 of_channel)
        : a(arguments), at(row * a.channels + of_channel), channel(of_channel), own(load(a.source + at)), value(load(a.x + at)) {}
    __device__ __forceinline__ void begin(R* sums) { sums[0] = sums[1] = R(0); }
    __device__ __forceinline__ void over(i64 begin, i64 end, R* sums) {
        #pragma unroll 4
        for (i64 e = begin; e < end; e++) {
            i64 to = a.columns[e] * a.channels + channel;
            R gate = sigmoid(own + load(a.target + to)), arriving = a.share[to] * gate;
            sums[0] = fma(arriving * (R(1) - gate), value - load(a.y + to), sums[0]);
            sums[1] += arriving;
        }
    }
    __device__ __forceinline__ void join(R* sums, const R* piece) {
        sums[0] += piece[0];
        sums[1] += piece[1];
    }
    __device__ __forceinline__ void finish(R* sums) {
        store(a.out + at, sums[0]);
        store(a.also + at, sums[1]);
    }
};

template <typename T, template <typename> class Body> __global__ void __launch_bounds__(128) mean_pieces(CsrMean<T> a) { csr_pieces_of<Body<T>>(a); }
template <typename T, template <typename> class Body> __global__ void __launch_bounds__(128) mean_rows(CsrMean<T> a) { csr_rows_of<Body<T>>(a); }
