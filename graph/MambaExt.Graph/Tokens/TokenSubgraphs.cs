using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using MambaExt.Graph.Graphs;
using MambaExt.Kernels;

namespace MambaExt.Graph.Tokens;

/// <summary>
/// The induced subgraph of every token (GMN, arXiv 2402.08678, section 4.1), end to end as one graph over the tokens' entries: entry e of
/// <see cref="WalkTokens.Vertices"/> is joined to those entries of the same token whose vertices are its neighbours.
/// </summary>
public sealed class TokenSubgraphs
{
    private const int BlockRows = 1024;

    // As many bits as a hit is told in.
    private const int FewVertices = 32;

    private readonly long[] _offsets;
    private readonly int[] _targets;

    private TokenSubgraphs(long[] offsets, int[] targets) => (_offsets, _targets) = (offsets, targets);

    /// <summary>Where the neighbours of each entry start, [entries + 1].</summary>
    public ReadOnlySpan<long> Offsets => _offsets;

    /// <summary>Entries, ascending for each.</summary>
    public ReadOnlySpan<int> Targets => _targets;

    /// <summary>Finds them; the same at any number of threads.</summary>
    /// <param name="graph">That the tokens were drawn from</param>
    /// <param name="tokens">Vertex sets</param>
    /// <param name="threads">That may work at once; 0 stands for all</param>
    /// <param name="token">Stops the work</param>
    public static TokenSubgraphs Of(CsrGraph graph, WalkTokens tokens, int threads = 0, CancellationToken token = default)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(tokens);
        if (tokens.VertexCount != graph.VertexCount)
        {
            throw new ArgumentException($"The tokens are of a graph of {tokens.VertexCount} vertices and the graph has {graph.VertexCount}; give the graph they were drawn from.");
        }

        int rows = tokens.Offsets.Length - 1, blocks = (rows + BlockRows - 1) / BlockRows;
        var offsets = new long[tokens.Vertices.Length + 1];
        var parts = new int[blocks][];
        var limits = new ParallelOptions { MaxDegreeOfParallelism = threads == 0 ? KernelOptions.Default.Threads : threads, CancellationToken = token };
        Parallel.For(0, blocks, limits, () => new Found(), (block, _, found) =>
        {
            found.Clear();
            for (int row = block * BlockRows; row < Math.Min((block + 1) * BlockRows, rows); row++)
            {
                int begin = (int)tokens.Offsets[row];
                Induce(graph, tokens.Vertices[begin..(int)tokens.Offsets[row + 1]], begin, offsets, found);
            }

            parts[block] = found.Entries.ToArray();
            return found;
        }, static _ => { });
        for (int e = 1; e < offsets.Length; e++)
        {
            offsets[e] += offsets[e - 1];
        }

        var targets = GC.AllocateUninitializedArray<int>(checked((int)offsets[^1]));
        Parallel.For(0, blocks, limits, block => parts[block].CopyTo(targets, offsets[tokens.Offsets[block * BlockRows]]));
        return new TokenSubgraphs(offsets, targets);
    }

    /// <summary>Appends the neighbours of each vertex that are in the token too.</summary>
    [SkipLocalsInit]
    private static void Induce(CsrGraph graph, ReadOnlySpan<int> vertices, int begin, long[] counts, Found found)
    {
        int padded = (vertices.Length + Vector256<int>.Count - 1) / Vector256<int>.Count * Vector256<int>.Count;
        Span<int> set = stackalloc int[FewVertices];
        bool few = padded <= FewVertices;
        if (few)
        {
            vertices.CopyTo(set);
            set[vertices.Length..].Fill(-1);
        }

        for (int i = 0; i < vertices.Length; i++)
        {
            ReadOnlySpan<int> neighbours = graph.Neighbours(vertices[i]);
            int before = found.Count;
            found.Reserve(Math.Min(neighbours.Length, vertices.Length) + 1);
            if (neighbours.Length > 8 * vertices.Length)
            {
                for (int j = 0; j < vertices.Length; j++)
                {
                    found.Add(begin + j, neighbours.BinarySearch(vertices[j]) >= 0);
                }
            }
            else if (few)
            {
                found.AddMembers(neighbours, ref MemoryMarshal.GetReference(set), padded, begin);
            }
            else
            {
                for (int j = 0, k = 0; j < vertices.Length && k < neighbours.Length;)
                {
                    int a = vertices[j], b = neighbours[k];
                    found.Add(begin + j, a == b);
                    j += a <= b ? 1 : 0;
                    k += b <= a ? 1 : 0;
                }
            }

            counts[begin + i + 1] = found.Count - before;
        }
    }

    /// <summary>A list that is written without a branch: room is made ahead, and what is not wanted is overwritten by the next.</summary>
    private sealed class Found
    {
        private int[] _entries = new int[4096];

        public int Count { get; private set; }

        public ReadOnlySpan<int> Entries => _entries.AsSpan(0, Count);

        public void Clear() => Count = 0;

        public void Reserve(int more)
        {
            if (Count + more > _entries.Length)
            {
                Array.Resize(ref _entries, Math.Max(Count + more, 2 * _entries.Length));
            }
        }

        public void Add(int entry, bool wanted)
        {
            _entries[Count] = entry;
            Count += wanted ? 1 : 0;
        }

        /// <summary>Whether a neighbour is in the set is a coin that no predictor guesses: there is no branch on it.</summary>
        /// <param name="neighbours">Looked for</param>
        /// <param name="set">Different numbers, then -1, [<see cref="FewVertices"/>]</param>
        /// <param name="padded">Of them that may count, whole vectors</param>
        /// <param name="begin">Entry of the first</param>
        public void AddMembers(ReadOnlySpan<int> neighbours, ref int set, int padded, int begin)
        {
            int count = Count;
            ref int entries = ref MemoryMarshal.GetArrayDataReference(_entries);
            Vector256<int> a = Vector256.LoadUnsafe(ref set), b = Vector256.LoadUnsafe(ref set, 8), c = Vector256.LoadUnsafe(ref set, 16), d = Vector256.LoadUnsafe(ref set, 24);
            foreach (int neighbour in neighbours)
            {
                Vector256<int> wanted = Vector256.Create(neighbour);
                uint hits = Vector256.Equals(a, wanted).ExtractMostSignificantBits() | (Vector256.Equals(b, wanted).ExtractMostSignificantBits() << 8);
                if (padded > 16)
                {
                    hits |= (Vector256.Equals(c, wanted).ExtractMostSignificantBits() << 16) | (Vector256.Equals(d, wanted).ExtractMostSignificantBits() << 24);
                }

                Unsafe.Add(ref entries, count) = begin + BitOperations.TrailingZeroCount(hits);
                count += hits != 0 ? 1 : 0;
            }

            Count = count;
        }
    }
}
