using System.Runtime.Intrinsics.X86;

namespace MambaExt.Graph.Tokens;

/// <summary>
/// One step of many walks at a time. A step is two reads that hardly ever hit a cache in a large graph, where the row of a vertex lies and the neighbour
/// in it; side by side the waits of all walks overlap, and each read is asked for a pass ahead of its use.
/// </summary>
internal static unsafe class WalkSteps
{
    /// <summary>Moves walks to a uniform neighbour each; a walk at a vertex without neighbours stays.</summary>
    /// <param name="offset">Rows of the graph, [V + 1]</param>
    /// <param name="target">Neighbours, [2E]</param>
    /// <param name="position">Where each walk is, [count], and will be</param>
    /// <param name="start">Where each walk's numbers begin, [count]</param>
    /// <param name="number">Random numbers; walk w takes <c>number[start[w] + step]</c></param>
    /// <param name="visited">Gets the new positions at the same places as the numbers</param>
    /// <param name="arc">Room for <paramref name="count"/></param>
    /// <param name="step">Of the walks</param>
    /// <param name="count">Walks</param>
    public static void Move(long* offset, int* target, int* position, int* start, uint* number, int* visited, long* arc, int step, int count)
    {
        for (int w = 0; w < count; w++)
        {
            long first = offset[position[w]];
            ulong degree = (ulong)(offset[position[w] + 1] - first);

            // Off uniform by at most degree / 2^32.
            long chosen = first + (long)((number[start[w] + step] * degree) >> 32);
            arc[w] = degree == 0 ? -1 : chosen;
            if (Sse.IsSupported)
            {
                Sse.Prefetch0(target + chosen);
            }
        }

        for (int w = 0; w < count; w++)
        {
            int at = arc[w] < 0 ? position[w] : target[arc[w]];
            position[w] = at;
            visited[start[w] + step] = at;
            if (Sse.IsSupported)
            {
                Sse.Prefetch0(offset + at);
            }
        }
    }

    /// <summary>Numbers 0 ... <paramref name="count"/> - 1 of a token, rounded up to four: step t of walk w takes number w * length + t.</summary>
    public static void Draw(ulong seed, int key, int length, int repeat, int count, uint* to)
    {
        uint group = ((uint)length << 16) | (uint)repeat;
        for (uint block = 0; (int)(block << 2) < count; block++, to += 4)
        {
            (to[0], to[1], to[2], to[3]) = CounterRandom.Block(seed, (uint)key, group, block, (uint)RandomStream.Walks << CounterRandom.StreamShift);
        }
    }
}
