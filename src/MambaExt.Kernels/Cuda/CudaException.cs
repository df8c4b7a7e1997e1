namespace MambaExt.Kernels.Cuda;

/// <summary>A GPU library could not be found or refused: the message names library, function, code and what to do.</summary>
public sealed class CudaException : Exception
{
    /// <summary>A call that failed.</summary>
    /// <param name="library">What was called: the driver's or the compiler's file name</param>
    /// <param name="function">The function</param>
    /// <param name="code">What it returned</param>
    /// <param name="meaning">The library's own words for the code, and what to do</param>
    /// <param name="log">The compiler's log, where there is one</param>
    public CudaException(string library, string function, int code, string meaning, string? log = null)
        : base($"{library}: {function} returned {code}, {meaning}{(string.IsNullOrWhiteSpace(log) ? "" : Environment.NewLine + log.Trim())}")
    {
        (Library, Function, Code, Log) = (library, function, code, log);
    }

    /// <summary>Something that is missing: no call was made.</summary>
    public CudaException(string message)
        : base(message)
    {
    }

    /// <summary>What was called, or null where nothing could be.</summary>
    public string? Library { get; }

    /// <summary>The function that failed.</summary>
    public string? Function { get; }

    /// <summary>What it returned.</summary>
    public int Code { get; }

    /// <summary>The compiler's log.</summary>
    public string? Log { get; }
}
