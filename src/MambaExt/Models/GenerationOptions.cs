namespace MambaExt.Models;

/// <summary>How the next token is chosen.</summary>
public sealed record GenerationOptions
{
    /// <summary>Tokens to generate, at most.</summary>
    public int max_new_tokens { get; init; } = 100;

    /// <summary>Logits are divided by this before the softmax; 0 takes the likeliest token always.</summary>
    public double temperature { get; init; } = 1;

    /// <summary>Draw among this many likeliest tokens only; 0 for all.</summary>
    public int top_k { get; init; }

    /// <summary>Draw among the fewest likeliest tokens that together have this probability (Holtzman et al., arXiv 1904.09751); 1 for all.</summary>
    public double top_p { get; init; } = 1;

    /// <summary>The same seed draws the same tokens; each sequence of a batch has numbers of its own, whatever its mates.</summary>
    public ulong seed { get; init; }

    /// <summary>A sequence ends with this token; null if none does.</summary>
    public long? eos_token { get; init; }

    internal void Validate(int vocabulary)
    {
        if (max_new_tokens < 0 || !double.IsFinite(temperature) || temperature < 0 || top_k < 0 || !(top_p > 0 && top_p <= 1) || eos_token < 0 || eos_token >= vocabulary)
        {
            throw new ArgumentException(
                $"Generation was asked for max_new_tokens {max_new_tokens}, temperature {temperature}, top_k {top_k}, top_p {top_p} and eos_token {eos_token?.ToString() ?? "none"}; allowed are 0 and more for the first three, above 0 up to 1 for top_p, and 0 to {vocabulary - 1} for eos_token.");
        }
    }
}
