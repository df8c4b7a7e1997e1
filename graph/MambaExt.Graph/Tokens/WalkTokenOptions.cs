using static System.FormattableString;

namespace MambaExt.Graph.Tokens;

/// <summary>How neighbourhood tokens are drawn (GMN, arXiv 2402.08678, section 4.1).</summary>
/// <param name="WalksPerToken">Walks whose vertices make one token, M, 1 to 65,536.</param>
/// <param name="LongestWalk">Steps of the longest walk, m, 0 to 65,535; 0 leaves the vertex itself as the only token.</param>
/// <param name="Repeats">Tokens per walk length, s, 1 to 65,536.</param>
/// <param name="Seed">Seed of the walks alone.</param>
public sealed record WalkTokenOptions(int WalksPerToken, int LongestWalk, int Repeats, ulong Seed = 0)
{
    /// <summary>Refuse work that may need more bytes than this; null stands for three quarters of the memory at hand.</summary>
    public long? MaximumBytes { get; init; }

    /// <summary>Tokens per vertex, L = s m + 1.</summary>
    public long TokensPerVertex => (long)Repeats * LongestWalk + 1;

    /// <summary>Steps walked for each vertex, M s m (m + 1) / 2.</summary>
    public double StepsPerVertex => 0.5 * WalksPerToken * Repeats * LongestWalk * (LongestWalk + 1.0);

    /// <summary>Most entries the tokens of one vertex can have in a graph of <paramref name="vertices"/> vertices.</summary>
    internal double MostEntriesPerVertex(int vertices)
    {
        double entries = 1;
        for (int length = 1; length <= LongestWalk; length++)
        {
            entries += Repeats * Math.Min(1 + (double)WalksPerToken * length, vertices);
        }

        return entries;
    }

    /// <summary>Bytes that the tokens of a graph of <paramref name="vertices"/> vertices need at most while they are drawn: offsets,
    /// and entries twice, before and after they are joined.</summary>
    public double MostBytes(int vertices) =>
        vertices * (sizeof(long) * (double)TokensPerVertex + 2 * sizeof(int) * MostEntriesPerVertex(vertices));

    /// <summary>Throws one sentence where an option is out of range or the work does not fit into memory.</summary>
    public void Validate(int vertices)
    {
        if (WalksPerToken is < 1 or > ushort.MaxValue + 1)
        {
            throw new ArgumentException($"Walks per token (M) is {WalksPerToken}; give 1 to {ushort.MaxValue + 1}.");
        }

        if (LongestWalk is < 0 or > ushort.MaxValue)
        {
            throw new ArgumentException($"The longest walk (m) is {LongestWalk}; give 0 to {ushort.MaxValue} steps.");
        }

        if (Repeats is < 1 or > ushort.MaxValue + 1)
        {
            throw new ArgumentException($"Repeats (s) is {Repeats}; give 1 to {ushort.MaxValue + 1}.");
        }

        if ((double)vertices * TokensPerVertex >= Array.MaxLength)
        {
            throw new ArgumentException(Invariant($"{vertices:N0} vertices with {TokensPerVertex:N0} tokens each are {(double)vertices * TokensPerVertex:N0} tokens, more than {Array.MaxLength:N0}; take shorter walks or fewer repeats."));
        }

        double needed = MostBytes(vertices);
        double allowed = MaximumBytes ?? 0.75 * GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        if (needed > allowed)
        {
            throw new ArgumentException(Invariant($"Tokens of {vertices:N0} vertices with M = {WalksPerToken}, m = {LongestWalk}, s = {Repeats} may need {Gibibytes(needed)}, and {Gibibytes(allowed)} are allowed; take fewer or shorter walks, fewer repeats, or raise MaximumBytes."));
        }
    }

    private static string Gibibytes(double bytes) => Invariant($"{bytes / (1L << 30):N2} GiB");
}
