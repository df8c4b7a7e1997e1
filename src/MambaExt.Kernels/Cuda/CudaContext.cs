namespace MambaExt.Kernels.Cuda;

/// <summary>
/// Makes a device's context the thread's own while this lives. A tensor library keeps its device in the same place, so what was there
/// before comes back; backward passes run on threads that have none.
/// </summary>
internal readonly unsafe ref struct CudaContext
{
    private readonly CudaDriver _driver;

    public CudaContext(CudaDriver driver, nint context)
    {
        _driver = driver;
        driver.Check("cuCtxPushCurrent", driver.ContextPush(context));
    }

    public void Dispose()
    {
        nint popped;
        _ = _driver.ContextPop(&popped); // an error here is an earlier one told again
    }
}
