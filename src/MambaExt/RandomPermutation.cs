namespace MambaExt;

/// <summary>0 ... n - 1 in an order that belongs to a seed, a purpose and a draw: sorted by 64 random bits each.</summary>
public static class RandomPermutation
{
    /// <summary>The permutation.</summary>
    /// <param name="count">n</param>
    /// <param name="seed">Of the run</param>
    /// <param name="stream">What it is for</param>
    /// <param name="draw">Which of the permutations of that purpose, an epoch say</param>
    public static int[] Of(int count, ulong seed, RandomStream stream, int draw = 0)
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
