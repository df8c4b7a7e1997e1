namespace MambaExt.Models;

/// <summary>Draws a token from logits.</summary>
internal static class TokenSampler
{
    /// <summary>The token; of equal ones the first.</summary>
    /// <param name="logits">[vocabulary]</param>
    /// <param name="options">How to choose</param>
    /// <param name="row">Which sequence, and</param>
    /// <param name="step">which of its tokens: together they decide the random number</param>
    public static long Choose(ReadOnlySpan<float> logits, GenerationOptions options, int row, int step)
    {
        int best = 0;
        for (int i = 0; i < logits.Length; i++)
        {
            if (!float.IsFinite(logits[i]))
            {
                throw new InvalidOperationException($"The model gave token {i} a logit of {logits[i]}, so no token can be drawn; check its weights.");
            }

            best = logits[i] > logits[best] ? i : best;
        }

        if (options.temperature == 0 || options.top_k == 1)
        {
            return best;
        }

        var weights = new double[logits.Length];
        for (int i = 0; i < weights.Length; i++)
        {
            weights[i] = Math.Exp((logits[i] - (double)logits[best]) / options.temperature);
        }

        int[] order = Order(weights, options);
        double total = order.Sum(i => weights[i]), kept = 0;
        int count = 0;
        while (count < order.Length && (count == 0 || kept < options.top_p * total))
        {
            kept += weights[order[count++]];
        }

        ulong bits = CounterRandom.ForKey(options.seed, RandomStream.Tokens, row, step);
        double left = (bits >> 11) * (1.0 / (1UL << 53)) * kept;
        for (int k = 0; k < count; k++)
        {
            left -= weights[order[k]];
            if (left < 0)
            {
                return order[k];
            }
        }

        return order[count - 1];
    }

    /// <summary>Tokens that may be drawn, likeliest first where that matters.</summary>
    private static int[] Order(double[] weights, GenerationOptions options)
    {
        int[] order = [.. Enumerable.Range(0, weights.Length)];
        if (options.top_k == 0 && options.top_p == 1)
        {
            return order;
        }

        Array.Sort(order, (a, b) => weights[a] != weights[b] ? weights[b].CompareTo(weights[a]) : a.CompareTo(b));
        return options.top_k == 0 || options.top_k >= order.Length ? order : order[..options.top_k];
    }
}
