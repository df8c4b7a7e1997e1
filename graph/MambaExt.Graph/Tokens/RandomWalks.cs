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

        // Threads write straight into the result: each walk has its place.
        var visited = GC.AllocateUninitializedArray<int>(graph.VertexCount * walks * length);
        var limits = new ParallelOptions { MaxDegreeOfParallelism = threads == 0 ? KernelOptions.Default.Threads : threads, CancellationToken = token };
        Parallel.For(0, (graph.VertexCount + BlockVertices - 1) / BlockVertices, limits, () => new WalkGroup([(length, 0)], walks), (block, _, group) =>
        {
            int end = Math.Min((block + 1) * BlockVertices, graph.VertexCount);
            for (int first = block * BlockVertices; first < end; first += group.Vertices)
            {
                int count = Math.Min(group.Vertices, end - first);
                group.Walk(graph.OffsetArray, graph.TargetArray, default, first, count, seed);
                for (int i = 0; i < count; i++)
                {
                    group.Visited(i, 0).CopyTo(visited.AsSpan((first + i) * walks * length));
                }
            }

            return group;
        }, static _ => { });
        return visited;
    }
}
