namespace MambaExt.Graph.Graphs;

/// <summary>A row divided by the sum of its absolute values, the customary scaling of bag-of-words features.</summary>
internal static class RowNormalisation
{
    public static void Apply(ReadOnlySpan<float> row, Span<float> result)
    {
        double sum = 0;
        foreach (float value in row)
        {
            sum += Math.Abs(value);
        }

        double scale = sum > 0 ? 1 / sum : 0;
        for (int i = 0; i < row.Length; i++)
        {
            result[i] = (float)(row[i] * scale);
        }
    }
}
