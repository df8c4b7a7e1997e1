namespace MambaExt.Distributed;

/// <summary>An MPI function that reported an error.</summary>
public sealed class MpiException : InvalidOperationException
{
    /// <summary>Makes the sentence.</summary>
    /// <param name="function">The function's name</param>
    /// <param name="code">What it returned</param>
    /// <param name="text">What the library says of that code</param>
    public MpiException(string function, int code, string text)
        : base($"{function} failed with code {code} ({text}).")
    {
        Function = function;
        Code = code;
    }

    /// <summary>The function's name.</summary>
    public string Function { get; }

    /// <summary>What it returned.</summary>
    public int Code { get; }
}
