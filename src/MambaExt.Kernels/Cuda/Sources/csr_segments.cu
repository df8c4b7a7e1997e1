// Numbers that belong to arcs, [E, C], and the rows they lie in: from rows to arcs, sums of a row's arcs, softmax over them. Softmax first
// finds what a row's arcs share (its largest value and the sum of powers over it; backward, the sum of p dp), then goes over the arcs,
// whatever rows they are of. Bound: bytes of the arcs.

template <typename T> struct CsrSegments {
    typedef typename Wide<T>::type R;
    const i64* offsets;     // [V + 1]
    const int* columns;     // [E]
    const i64* arcs;        // [E]: which arc of the values an entry is, or null for its own
    const T* first;         // what goes in: target [V, C] or null; values; p
    const T* second;        // source [columns, C] or null; dp
    T* out;                 // [E, C], but of a sum [V, C]
    R* shared;              // of softmax, what the arcs of a row share: [V, 2, C], of its gradient [V, C]
    R* pieces;
    i64 rows, arc_count, channels;
    i64 column_blocks;      // side by side over the channels
    int lanes;              // of a row or an arc, a power of two up to a warp
    int group_arcs;         // consecutive arcs of a group of lanes
};

template <typename T> struct SegmentSum {
    typedef typename Wide<T>::type R;
    enum { COUNT = 1 };
    const CsrSegments<T>& a;
    i64 row, channel;

    __device__ __forceinline__ SegmentSum(const CsrSegments<T>& arguments, i64 of_row, i64 of_channel) : a(arguments), row(of_row), channel(of_channel) {}
    __device__ __forceinline__ void begin(R* sum) { sum[0] = R(0); }
    __device__ __forceinline__ void over(i64 begin, i64 end, R* sum) {
        #pragma unroll 8
        for (i64 e = begin; e < end; e++) sum[0] += load(a.first + csr_arc(a, e) * a.channels + channel);
    }
    __device__ __forceinline__ void join(R* sum, const R* piece) { sum[0] += piece[0]; }
    __device__ __forceinline__ void finish(R* sum) { store(a.out + row * a.channels + channel, sum[0]); }
};

// e^(x - most), 1 where both are infinite.
template <typename R> __device__ __forceinline__ R share_of(R x, R most) { return x == most ? R(1) : exp(x - most); }

// The largest value, and the sum of powers over it.
template <typename T> struct SegmentSoftmax {
    typedef typename Wide<T>::type R;
    enum { COUNT = 2 };
    const CsrSegments<T>& a;
    i64 row, channel;

    __device__ __forceinline__ SegmentSoftmax(const CsrSegments<T>& arguments, i64 of_row, i64 of_channel) : a(arguments), row(of_row), channel(of_channel) {}
    __device__ __forceinline__ R value(i64 e) const { return load(a.first + csr_arc(a, e) * a.channels + channel); }
    // A sum of 0 is one of no arc: the largest counts 1.
    __device__ __forceinline__ void begin(R* result) { result[0] = result[1] = R(0); }
    __device__ __forceinline__ void over(i64 begin, i64 end, R* result) {
        if (begin == end) return;

        R most = value(begin), sum = R(0);
        #pragma unroll 8
        for (i64 e = begin + 1; e < end; e++) {
            R x = value(e);
            most = x > most ? x : most;
        }
        #pragma unroll 4
        for (i64 e = begin; e < end; e++) sum += share_of(value(e), most);
        result[0] = most;
        result[1] = sum;
    }
    __device__ __forceinline__ void join(R* result, const R* piece) {
        if (result[1] == R(0)) {
            result[0] = piece[0];
            result[1] = piece[1];
            return;
        }

        R most = piece[0] > result[0] ? piece[0] : result[0];
        result[1] = result[1] * share_of(result[0], most) + piece[1] * share_of(piece[0], most);
        result[0] = most;
    }
    __device__ __forceinline__ void finish(R* result) {
        a.shared[row * 2 * a.channels + channel] = result[0];
        a.shared[(row * 2 + 1) * a.channels + channel] = result[1];
    }
};

// The sum of p dp.
template <typename T> struct SegmentProduct {
    typedef typename Wide<T>::type R;
    enum { COUNT = 1 };
    const CsrSegments<T>& a;
    i64 row, channel;

    __device__ __forceinline__ SegmentProduct(const CsrSegments<T>& arguments, i64 of_row, i64 of_channel) : a(arguments), row(of_row), channel(of_channel) {}
    __device__ __forceinline__ void begin(R* sum) { sum[0] = R(0); }
    __device__ __forceinline__ void over(i64 begin, i64 end, R* sum) {
        #pragma unroll 8
        for (i64 e = begin; e < end; e++) {
            i64 at = csr_arc(a, e) * a.channels + channel;
            sum[0] = fma(load(a.first + at), load(a.second + at), sum[0]);
        }
    }
    __device__ __forceinline__ void join(R* sum, const R* piece) { sum[0] += piece[0]; }
    __device__ __forceinline__ void finish(R* sum) { a.shared[row * a.channels + channel] = sum[0]; }
};

template <typename T, template <typename> class Body> __global__ void __launch_bounds__(128) segment_pieces(CsrSegments<T> a) { csr_pieces_of<Body<T>>(a); }
template <typename T, template <typename> class Body> __global__ void __launch_bounds__(128) segment_rows(CsrSegments<T> a) { csr_rows_of<Body<T>>(a); }

// What an arc gets, of its row and of what belongs to the arc itself.
template <typename T> struct ArcSpread {
    typedef typename Wide<T>::type R;
    static __device__ __forceinline__ R of(const CsrSegments<T>& a, i64 entry, i64 row, i64 c) {
        R target = a.first ? load(a.first + row * a.channels + c) : R(0);
        return a.second ? target + load(a.second + a.columns[entry] * a.channels + c) : target;
    }
};

template <typename T> struct ArcSoftmax {
    typedef typename Wide<T>::type R;
    static __device__ __forceinline__ R of(const CsrSegments<T>& a, i64 entry, i64 row, i64 c) {
        const R* shared = a.shared + row * 2 * a.channels + c;
        return exp(load(a.first + csr_arc(a, entry) * a.channels + c) - shared[0]) / shared[a.channels];
    }
};

template <typename T> struct ArcSoftmaxGradient {
    typedef typename Wide<T>::type R;
    static __device__ __forceinline__ R of(const CsrSegments<T>& a, i64 entry, i64 row, i64 c) {
        i64 at = csr_arc(a, entry) * a.channels + c;
        return load(a.first + at) * (load(a.second + at) - a.shared[row * a.channels + c]);
    }
};

template <typename T, template <typename> class Body> __global__ void __launch_bounds__(128) segment_arcs(CsrSegments<T> a) {
    int group = threadIdx.x / a.lanes, lane = threadIdx.x - group * a.lanes;
    i64 first = (static_cast<i64>(blockIdx.x) * (blockDim.x / a.lanes) + group) * a.group_arcs;
    if (first >= a.arc_count) return;

    i64 row = row_of(a.offsets, a.rows, first);
    i64 end = first + a.group_arcs < a.arc_count ? first + a.group_arcs : a.arc_count;
    for (i64 entry = first; entry < end; entry++) {
        while (a.offsets[row + 1] <= entry) row++;
        T* target = a.out + csr_arc(a, entry) * a.channels;
        #pragma unroll 4
        for (i64 c = lane; c < a.channels; c += a.lanes) store(target + c, Body<T>::of(a, entry, row, c));
    }
}
