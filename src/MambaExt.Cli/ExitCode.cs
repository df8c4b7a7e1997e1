namespace MambaExt.Cli;

/// <summary>Exit codes of every command.</summary>
internal static class ExitCode
{
    public const int Done = 0;
    public const int WrongUse = 1;
    public const int Failed = 2;
    public const int Interrupted = 130;
}
