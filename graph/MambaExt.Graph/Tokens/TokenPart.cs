using MambaExt.Sparse;

namespace MambaExt.Graph.Tokens;

/// <summary>Walks of a part that have as many steps, end to end.</summary>
/// <param name="Start">Row of the first step of the first</param>
/// <param name="Count">Walks</param>
/// <param name="Length">Rows of each: its steps and where it began</param>
internal readonly record struct WalkRows(long Start, long Count, int Length);

/// <summary>What an encoder reads of the tokens of n consecutive vertices: a row for each vertex of each token, or for each step of each walk.</summary>
/// <param name="Rows">[rows, V + bits]: the vertex of each row, and in walks which of their bits are set</param>
/// <param name="Means">[n L, rows]: the mean over each token</param>
internal sealed record TokenPart(CsrMatrix Rows, CsrMatrix Means)
{
    /// <summary>[rows, rows]: neighbours in the same token.</summary>
    public CsrMatrix? Neighbours { get; init; }

    /// <summary>How the rows lie in walks.</summary>
    public IReadOnlyList<WalkRows>? Walks { get; init; }
}

/// <summary>The tokens of all vertices, some vertices at a time.</summary>
/// <param name="parts">In the order of the vertices</param>
internal sealed class TokenParts(IReadOnlyList<TokenPart> parts) : IDisposable
{
    public IReadOnlyList<TokenPart> Parts => parts;

    public void Dispose()
    {
        foreach (TokenPart part in parts)
        {
            part.Rows.Dispose();
            part.Means.Dispose();
            part.Neighbours?.Dispose();
        }
    }
}
