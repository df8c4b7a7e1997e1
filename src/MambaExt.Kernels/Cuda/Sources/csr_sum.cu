// Sums over the arcs of a graph or the entries of a sparse matrix by rows, and the gradients of what multiplies an arc.
//
// Channels lie across lanes, so a gathered row is read coalesced; a row of the sum belongs to as many lanes as it has channels, up to a
// warp with four channels a lane, so that several arcs are under way in every lane. Bound: bytes gathered.
// Gradients of weights and gates have no sum over arcs: a group of lanes takes a few consecutive arcs, whatever rows they are of.

// What multiplies a gathered row: nothing, a number an arc, one an arc and head, or one an arc and channel.
constexpr int Plain = 0;
constexpr int Weighted = 1;
constexpr int Headed = 2;
constexpr int Gated = 3;

template <typename T> struct CsrSums {
    typedef typename Wide<T>::type R;
    const i64* offsets;     // [V + 1]
    const int* columns;     // [E]
    const i64* arcs;        // [E]: whose weight or gate an entry has, or null for its own
    const T* x;             // [columns, C]
    const T* factors;       // [E], [E, heads], [E, C] or null
    T* y;                   // [V, C]
    R* pieces;              // [windows, 2, C]: the piece of the row that holds the window's first arc, and of a row beginning in it
    i64 rows, arc_count, channels;
    i64 column_blocks;      // side by side over the channels
    i64 lanes;              // of a row, a power of two up to a warp
    i64 heads;              // of weights, each for channels / heads neighbouring ones
};

// Sum over the arcs [begin, end) of the channels c, c + lanes, ...
template <typename T, int Kind, int Each>
__device__ __forceinline__ void add_arcs(const CsrSums<T>& a, i64 begin, i64 end, i64 channel, typename Wide<T>::type* sums) {
    typedef typename Wide<T>::type R;
    constexpr int Ahead = Each == 1 ? 8 : 4;
    i64 head[Each];
    #pragma unroll
    for (int k = 0; k < Each; k++) head[k] = Kind == Headed ? (channel + k * a.lanes) / (a.channels / a.heads) : 0;
    for (i64 first = begin; first < end; first += Ahead) {
        R values[Ahead][Each], factors[Ahead][Each];
        #pragma unroll
        for (int u = 0; u < Ahead; u++) {
            bool inside = first + u < end;
            i64 column = inside ? a.columns[first + u] : 0;
            i64 arc = Kind != Plain && inside ? (a.arcs ? a.arcs[first + u] : first + u) : 0;
            R weight = Kind == Weighted && inside ? load(a.factors + arc) : R(1);
            #pragma unroll
            for (int k = 0; k < Each; k++) {
                i64 c = channel + k * a.lanes;
                bool read = inside && c < a.channels;
                values[u][k] = read ? load(a.x + column * a.channels + c) : R(0);
                factors[u][k] = Kind == Gated ? (read ? load(a.factors + arc * a.channels + c) : R(0))
                    : Kind == Headed ? (read ? load(a.factors + arc * a.heads + head[k]) : R(0))
                    : weight;
            }
        }
        #pragma unroll
        for (int u = 0; u < Ahead; u++) {
            if (first + u < end) {
                #pragma unroll
                for (int k = 0; k < Each; k++) sums[k] = Kind == Plain ? sums[k] + values[u][k] : fma(factors[u][k], values[u][k], sums[k]);
            }
        }
    }
}

// A group of lanes for every slot: window, which of its two pieces, and block of channels.
template <typename T, int Kind, int Each>
__global__ void __launch_bounds__(128) csr_pieces(CsrSums<T> a) {
    typedef typename Wide<T>::type R;
    i64 block = blockIdx.x;
    int lanes = static_cast<int>(a.lanes), group = threadIdx.x / lanes;
    i64 channel = block % a.column_blocks * (lanes * Each) + (threadIdx.x - group * lanes);
    i64 slot = block / a.column_blocks * (blockDim.x / lanes) + group;
    i64 row, piece, piece_end;
    if (!csr_piece(a, slot, row, piece, piece_end)) return;

    R sums[Each];
    #pragma unroll
    for (int k = 0; k < Each; k++) sums[k] = R(0);
    add_arcs<T, Kind, Each>(a, piece, piece_end, channel, sums);
    #pragma unroll
    for (int k = 0; k < Each; k++) {
        i64 c = channel + k * a.lanes;
        if (c < a.channels) a.pieces[slot * a.channels + c] = sums[k];
    }
}

// A group of lanes for every row and block of channels.
template <typename T, int Kind, int Each>
__global__ void __launch_bounds__(128) csr_rows(CsrSums<T> a) {
    typedef typename Wide<T>::type R;
    i64 block = blockIdx.x;
    int lanes = static_cast<int>(a.lanes), group = threadIdx.x / lanes;
    i64 channel = block % a.column_blocks * (lanes * Each) + (threadIdx.x - group * lanes);
    i64 row = block / a.column_blocks * (blockDim.x / lanes) + group;
    if (row >= a.rows) return;

    i64 begin = a.offsets[row], end = a.offsets[row + 1];
    R sums[Each];
    #pragma unroll
    for (int k = 0; k < Each; k++) sums[k] = R(0);
    if (end - begin <= PieceArcs) {
        add_arcs<T, Kind, Each>(a, begin, end, channel, sums);
    } else {
        #pragma unroll 4
        for (i64 piece = begin; piece < end; piece += PieceArcs) {
            i64 slot = csr_slot(begin, piece);
            #pragma unroll
            for (int k = 0; k < Each; k++) {
                i64 c = channel + k * a.lanes;
                if (c < a.channels) sums[k] += a.pieces[slot * a.channels + c];
            }
        }
    }
    #pragma unroll
    for (int k = 0; k < Each; k++) {
        i64 c = channel + k * a.lanes;
        if (c < a.channels) store(a.y + row * a.channels + c, sums[k]);
    }
}

template <typename T> struct CsrArcs {
    const i64* offsets;     // [V + 1]
    const int* columns;     // [E]
    const i64* arcs;        // [E] or null
    const T* x;             // [columns, C]
    const T* dy;            // [V, C]
    T* gradient;            // [E, heads] or [E, C]
    i64 rows, arc_count, channels;
    i64 heads;
    int lanes;              // of an arc, a power of two up to a warp
    int group_arcs;         // consecutive arcs of a group of lanes
};

// dweights[e, h] = dot(dy[v], x[columns[e]]) over the channels of head h. All lanes of a warp stay together, for the sum over lanes.
template <typename T> __global__ void __launch_bounds__(128) csr_weight_gradient(CsrArcs<T> a) {
    typedef typename Wide<T>::type R;
    int group = threadIdx.x / a.lanes, lane = threadIdx.x - group * a.lanes;
    i64 first = (static_cast<i64>(blockIdx.x) * (blockDim.x / a.lanes) + group) * a.group_arcs;
    i64 row = first < a.arc_count ? row_of(a.offsets, a.rows, first) : 0, width = a.channels / a.heads;
    for (int i = 0; i < a.group_arcs; i++) {
        i64 entry = first + i;
        bool inside = entry < a.arc_count;
        if (inside) while (a.offsets[row + 1] <= entry) row++;
        for (i64 head = 0; head < a.heads; head++) {
            R sum = R(0);
            if (inside) {
                const T* x = a.x + a.columns[entry] * a.channels + head * width;
                const T* dy = a.dy + row * a.channels + head * width;
                #pragma unroll 4
                for (i64 c = lane; c < width; c += a.lanes) sum = fma(load(dy + c), load(x + c), sum);
            }
            for (int distance = a.lanes / 2; distance > 0; distance /= 2) sum += __shfl_xor_sync(WholeWarp, sum, distance);
            if (lane == 0 && inside) store(a.gradient + (a.arcs ? a.arcs[entry] : entry) * a.heads + head, sum);
        }
    }
}

// dgates[e, :] = dy[v, :] x[columns[e], :].
template <typename T> __global__ void __launch_bounds__(128) csr_gate_gradient(CsrArcs<T> a) {
    int group = threadIdx.x / a.lanes, lane = threadIdx.x - group * a.lanes;
    i64 first = (static_cast<i64>(blockIdx.x) * (blockDim.x / a.lanes) + group) * a.group_arcs;
    if (first >= a.arc_count) return;

    i64 row = row_of(a.offsets, a.rows, first);
    i64 end = first + a.group_arcs < a.arc_count ? first + a.group_arcs : a.arc_count;
    for (i64 entry = first; entry < end; entry++) {
        while (a.offsets[row + 1] <= entry) row++;
        const T* x = a.x + a.columns[entry] * a.channels;
        const T* dy = a.dy + row * a.channels;
        T* target = a.gradient + (a.arcs ? a.arcs[entry] : entry) * a.channels;
        #pragma unroll 4
        for (i64 c = lane; c < a.channels; c += a.lanes) store(target + c, load(dy + c) * load(x + c));
    }
}
