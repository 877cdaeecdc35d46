from locust import HttpUser, constant, task


class User(HttpUser):
    wait_time = constant(0.1)

    @task
    def get(self):
        self.client.get("/")
