using MambaExt.Graph.Graphs;

namespace MambaExt.Graph.Orders;

/// <summary>
/// PageRank in whole numbers, units of 1 / <see cref="One"/>: the least fixed point of
/// <code>
/// r_v = 0.15 t_v + 0.85 * sum over neighbours of floor(r_j / deg_j)
/// </code>
/// with t the places of teleports, as many as vertices in each component. Sums of whole numbers have no order, so vertices that look alike have equal ranks
/// to the last bit, whatever they are called, at any number of threads and with any other graph beside theirs. A vertex without neighbours has 0.15 t_v.
/// </summary>
internal static class PageRank
{
    /// <summary>Units in the rank of an average vertex.</summary>
    public const long One = 1L << 32;

    // Percent that follow an edge.
    private const long Damping = 85;
    private const int BlockVertices = 4096;

    /// <summary>Teleports go to every vertex alike; the mean rank is nearly <see cref="One"/>. [V].</summary>
    public static long[] Ranks(CsrGraph graph)
    {
        var teleports = new long[graph.VertexCount];
        Array.Fill(teleports, One);
        return FixedPoint(graph, teleports);
    }

    /// <summary>Teleports go to the vertices of the largest degree of each connected component. [V].</summary>
    public static long[] RanksFromHubs(CsrGraph graph)
    {
        var teleports = new long[graph.VertexCount];
        foreach (int[] component in ConnectedComponents.Of(graph))
        {
            int most = component.Max(graph.Degree);
            int[] hubs = [.. component.Where(v => graph.Degree(v) == most)];
            foreach (int hub in hubs)
            {
                teleports[hub] = component.Length * One / hubs.Length;
            }
        }

        return FixedPoint(graph, teleports);
    }

    /// <summary>From zero the ranks only rise, and whole numbers that rise below a bound come to rest.</summary>
    private static long[] FixedPoint(CsrGraph graph, long[] teleports)
    {
        int vertices = graph.VertexCount, blocks = (vertices + BlockVertices - 1) / BlockVertices;
        var limits = new ParallelOptions { MaxDegreeOfParallelism = Compute.Threads };
        long[] offsets = graph.OffsetArray, ranks = new long[vertices], share = new long[vertices];
        int[] targets = graph.TargetArray;
        int changed = 1;
        while (changed != 0)
        {
            changed = 0;
            Parallel.For(0, blocks, limits, block =>
            {
                bool moved = false;
                for (int v = block * BlockVertices; v < Math.Min(vertices, (block + 1) * BlockVertices); v++)
                {
                    long sum = 0;
                    for (long arc = offsets[v]; arc < offsets[v + 1]; arc++)
                    {
                        sum += share[targets[arc]];
                    }

                    long next = Percent(teleports[v], 100 - Damping) + Percent(sum, Damping);
                    moved |= next != ranks[v];
                    ranks[v] = next;
                }

                if (moved)
                {
                    Interlocked.Exchange(ref changed, 1);
                }
            });
            Parallel.For(0, blocks, limits, block =>
            {
                for (int v = block * BlockVertices; v < Math.Min(vertices, (block + 1) * BlockVertices); v++)
                {
                    long degree = offsets[v + 1] - offsets[v];
                    share[v] = degree == 0 ? 0 : ranks[v] / degree;
                }
            });
        }

        return ranks;
    }

    // Up to 2^31 vertices of One each would not survive a multiplication by 85 in 64 bits.
    private static long Percent(long value, long percent) => (value / 100 * percent) + (value % 100 * percent / 100);
}
