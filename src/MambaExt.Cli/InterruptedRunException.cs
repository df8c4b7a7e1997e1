namespace MambaExt.Cli;

/// <summary>A run was interrupted and has saved where it was; the message says how to go on.</summary>
internal sealed class InterruptedRunException(string message) : OperationCanceledException(message);
