using System.Runtime.InteropServices;
using static System.FormattableString;

namespace MambaExt.Graph.Graphs;

/// <summary>
/// Turns arcs into a <see cref="CsrGraph"/> by two counting sorts. Every arc u -> v is filed under u (as given) and under v (as
/// reversed), which makes the table symmetric; reading a symmetric table row by row and filing each entry under its other end
/// leaves every row ascending, without a comparison. The lowest bit of an entry says in which direction the arc was given.
/// </summary>
internal static class CsrGraphBuilder
{
    public static CsrGraph Build(int vertexCount, ReadOnlySpan<int> sources, ReadOnlySpan<int> targets)
    {
        long loops = Validate(vertexCount, sources, targets);
        long[] starts = CountRows(vertexCount, sources, targets);
        uint[] rows = FileArcs(starts, sources, targets);
        uint[] sorted = FileEntries(starts, rows);

        // Unique neighbours move to the front of the table; a row never grows, so the write never passes the read.
        var offsets = new long[vertexCount + 1];
        long written = 0, repeats = 0, oneWay = 0;
        int isolated = 0, largest = 0;
        for (int v = 0; v < vertexCount; v++)
        {
            long at = starts[v], end = starts[v + 1];
            while (at < end)
            {
                uint neighbour = sorted[at] >> 1;
                long given = 0;
                for (; at < end && sorted[at] >> 1 == neighbour; at++)
                {
                    given += 1 - (sorted[at] & 1);
                }

                sorted[written++] = neighbour;
                repeats += Math.Max(given - 1, 0);
                oneWay += given == 0 ? 1 : 0;
            }

            int degree = (int)(written - offsets[v]);
            offsets[v + 1] = written;
            isolated += degree == 0 ? 1 : 0;
            largest = Math.Max(largest, degree);
        }

        int[] neighbours = MemoryMarshal.Cast<uint, int>(sorted.AsSpan(0, (int)written)).ToArray();
        var summary = new GraphSummary(vertexCount, written / 2, sources.Length, loops, repeats, oneWay, isolated, largest);
        return new CsrGraph(offsets, neighbours, summary);
    }

    private static long Validate(int vertexCount, ReadOnlySpan<int> sources, ReadOnlySpan<int> targets)
    {
        if (vertexCount < 0)
        {
            throw new ArgumentException($"A graph has 0 or more vertices, not {vertexCount}.");
        }

        if (sources.Length != targets.Length)
        {
            throw new ArgumentException(Invariant($"There are {sources.Length:N0} sources but {targets.Length:N0} targets; give one of each for every arc."));
        }

        if (sources.Length > Array.MaxLength / 2)
        {
            throw new ArgumentException(Invariant($"A graph of {sources.Length:N0} arcs is too large; at most {Array.MaxLength / 2:N0} can be given."));
        }

        long loops = 0;
        for (int i = 0; i < sources.Length; i++)
        {
            if ((uint)sources[i] >= (uint)vertexCount || (uint)targets[i] >= (uint)vertexCount)
            {
                throw new ArgumentException(vertexCount == 0
                    ? $"Arc {i} joins {sources[i]} and {targets[i]}, but the graph has no vertices; give the number of vertices."
                    : $"Arc {i} joins {sources[i]} and {targets[i]}, but vertices are 0 to {vertexCount - 1}; check the arc or the number of vertices.");
            }

            loops += sources[i] == targets[i] ? 1 : 0;
        }

        return loops;
    }

    private static long[] CountRows(int vertexCount, ReadOnlySpan<int> sources, ReadOnlySpan<int> targets)
    {
        var starts = new long[vertexCount + 1];
        for (int i = 0; i < sources.Length; i++)
        {
            if (sources[i] != targets[i])
            {
                starts[sources[i] + 1]++;
                starts[targets[i] + 1]++;
            }
        }

        for (int v = 0; v < vertexCount; v++)
        {
            starts[v + 1] += starts[v];
        }

        return starts;
    }

    private static uint[] FileArcs(long[] starts, ReadOnlySpan<int> sources, ReadOnlySpan<int> targets)
    {
        var rows = new uint[starts[^1]];
        long[] next = [.. starts];
        for (int i = 0; i < sources.Length; i++)
        {
            int source = sources[i], target = targets[i];
            if (source != target)
            {
                rows[next[source]++] = (uint)target << 1;
                rows[next[target]++] = ((uint)source << 1) | 1;
            }
        }

        return rows;
    }

    private static uint[] FileEntries(long[] starts, uint[] rows)
    {
        var sorted = new uint[rows.Length];
        long[] next = [.. starts];
        for (int v = 0; v < starts.Length - 1; v++)
        {
            for (long i = starts[v]; i < starts[v + 1]; i++)
            {
                sorted[next[rows[i] >> 1]++] = ((uint)v << 1) | ((rows[i] & 1) ^ 1);
            }
        }

        return sorted;
    }
}
