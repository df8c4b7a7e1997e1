using MambaExt.Graph.Graphs;
using MambaExt.Kernels;

namespace MambaExt.Graph.Tokens;

/// <summary>Uniform random walks from every vertex, as they are; <see cref="WalkTokens"/> makes sets of the same walks.</summary>
public static class RandomWalks
{
    private const int BlockVertices = 1024;

    /// <summary>Draws walks. The same bits at any number of threads; walk w is walk w of the token of that length and repeat 0 under the same seed.</summary>
    /// <param name="graph">V vertices</param>
    /// <param name="walks">From each vertex, 1 to 65,536</param>
    /// <param name="length">Steps, 1 to 65,535</param>
    /// <param name="seed">Of the walks</param>
    /// <param name="threads">That may work at once; 0 stands for all</param>
    /// <param name="token">Stops the work</param>
    /// <returns>The vertices after each step, [V, walks, length], row by row; the start is left out.</returns>
    public static int[] Sample(CsrGraph graph, int walks, int length, ulong seed, int threads = 0, CancellationToken token = default)
    {
        ArgumentNullException.ThrowIfNull(graph);
        if (walks is < 1 or > ushort.MaxValue + 1 || length is < 1 or > ushort.MaxValue || threads < 0 || (double)graph.VertexCount * walks * length > Array.MaxLength)
        {
            throw new ArgumentException($"{walks} walks of {length} steps from {graph.VertexCount} vertices on {threads} threads were asked for; give 1 to {ushort.MaxValue + 1} walks of 1 to {ushort.MaxValue} steps, at most {Array.MaxLength} steps in all.");
        }

        return Of(graph.OffsetArray, graph.TargetArray, default, (0, graph.VertexCount), walks, (length, 0), seed, threads == 0 ? KernelOptions.Default.Threads : threads, token);
    }

    /// <summary>The walks of one token of some vertices, [count, walks, length].</summary>
    /// <param name="offsets">Rows of the graph</param>
    /// <param name="targets">Neighbours, in the order of their keys</param>
    /// <param name="keys">What random numbers are tied to, [V]; empty for the vertex numbers</param>
    /// <param name="vertices">The first, and how many</param>
    /// <param name="walks">From each vertex</param>
    /// <param name="walk">Steps, and the repeat of the token</param>
    /// <param name="seed">Of the walks</param>
    /// <param name="threads">That may work at once</param>
    /// <param name="token">Stops the work</param>
    internal static int[] Of(
        long[] offsets, int[] targets, ReadOnlyMemory<int> keys, (int First, int Count) vertices, int walks, (int Length, int Repeat) walk, ulong seed, int threads, CancellationToken token = default)
    {
        // Threads write straight into the result: each walk has its place.
        var visited = GC.AllocateUninitializedArray<int>(vertices.Count * walks * walk.Length);
        var limits = new ParallelOptions { MaxDegreeOfParallelism = threads, CancellationToken = token };
        Parallel.For(0, (vertices.Count + BlockVertices - 1) / BlockVertices, limits, () => new WalkGroup([walk], walks), (block, _, group) =>
        {
            int end = vertices.First + Math.Min((block + 1) * BlockVertices, vertices.Count);
            for (int first = vertices.First + (block * BlockVertices); first < end; first += group.Vertices)
            {
                int count = Math.Min(group.Vertices, end - first);
                group.Walk(offsets, targets, keys.Span, first, count, seed);
                for (int i = 0; i < count; i++)
                {
                    group.Visited(i, 0)[..(walks * walk.Length)].CopyTo(visited.AsSpan((first - vertices.First + i) * walks * walk.Length));
                }
            }

            return group;
        }, static _ => { });
        return visited;
    }
}
