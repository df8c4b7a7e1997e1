using MambaExt.Graph.Tokens;

namespace MambaExt.Graph.DataSets;

/// <summary>0 ... n - 1 in an order that belongs to a seed, a purpose and a draw: sorted by 64 random bits each.</summary>
internal static class RandomPermutation
{
    public static int[] Of(int count, ulong seed, CounterRandom.Stream stream, int draw = 0)
    {
        var noise = new ulong[count];
        var order = new int[count];
        for (int i = 0; i < count; i++)
        {
            noise[i] = CounterRandom.ForKey(seed, stream, i, draw);
            order[i] = i;
        }

        Array.Sort(noise, order);
        return order;
    }
}
